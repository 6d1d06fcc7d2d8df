import {type EtcdMember, hasStarted, type MemberHealth, removalProblem} from './members.js';

/** What a host that is to become a master has of etcd. */
export interface EtcdOnHost {
	/** kubeadm has written the manifest of its member. */
	readonly hasManifest: boolean;
	readonly hasData: boolean;
	/** An attempt to join this very cluster has begun, and what is there is not older. */
	readonly hasBegun: boolean;
}

/** What comes before `kubeadm join` of a master. */
export type EtcdStep =
	/** Nothing is in the way. */
	| {readonly do: 'join'}
	/** The host's member has a voice and works: kubeadm goes on behind it. */
	| {readonly do: 'go-on'}
	/** The member is to start: as it is (`as: 'it-is'`), or by a manifest that is written anew with these members. */
	| {readonly do: 'start'; readonly as: 'it-is' | 'new'; readonly members: readonly EtcdMember[]}
	/** A member that never started, lost its data, or is of nobody and stays silent, goes; then it is looked at again. */
	| {readonly do: 'remove'; readonly peerUrl: string; readonly why: Removal}
	/** Data of a member that is none any more is put aside; then it is looked at again. */
	| {readonly do: 'set-aside'}
	| {readonly do: 'refuse'; readonly why: string; readonly mend: string};

/** `silent`: only when it has been so for a while: one that starts anew is not gone. */
export type Removal = 'never-started' | 'lost-data' | 'silent';

/**
 * Decides what a master that joins, perhaps after an attempt that was cut off anywhere, needs first.
 *
 * Until Kubernetes 1.29 a member has a voice from the moment when it is announced: the second one of a cluster stops all until it starts, and cannot be taken
 * back, for that needs the majority that is missing. So a member that was announced goes where it can, and is started where it cannot.
 * @param known peer URLs of the masters that the cluster is to have
 */
export function nextEtcdStep(
	members: readonly MemberHealth[],
	peerUrl: string,
	host: EtcdOnHost,
	known: ReadonlySet<string>,
): EtcdStep {
	const own = members.find(({peerUrls}) => peerUrls.includes(peerUrl));
	if (own !== undefined) {
		const step = withOwnMember(members, own, peerUrl, host);
		// Where its own member waits for nothing, the others decide, as for one that comes new.
		if (step !== undefined) return step;
	}
	const others = members.filter(member => member !== own);
	// A host that died while it joined is in no state of the cluster: nobody could name it to be deleted.
	const strays = others.filter(({isHealthy, peerUrls}) => !isHealthy && !peerUrls.some(url => known.has(url)));
	const stray = strays.find(member => !hasStarted(member)) ?? strays[0];
	if (stray !== undefined && removalProblem(members, stray.id) === undefined)
		return {do: 'remove', peerUrl: stray.peerUrls[0] ?? '', why: hasStarted(stray) ? 'silent' : 'never-started'};
	const ill = others.find(({isHealthy}) => !isHealthy);
	if (ill !== undefined) return refusal(ill);
	if (own !== undefined) return {do: 'go-on'};
	if (!host.hasData && !host.hasManifest) return {do: 'join'};
	if (host.hasBegun) return host.hasData ? {do: 'set-aside'} : {do: 'join'};
	return {
		do: 'refuse',
		why: 'the host has an etcd that is not of this cluster',
		mend: 'Take the other cluster off the host with "sealimage reset", which destroys its data.',
	};
}

/** Undefined when it works. */
function withOwnMember(
	members: readonly MemberHealth[],
	own: MemberHealth,
	peerUrl: string,
	{hasManifest, hasData}: EtcdOnHost,
): EtcdStep | undefined {
	const isRemovable = removalProblem(members, own.id) === undefined;
	if (!hasStarted(own))
		return isRemovable
			? {do: 'remove', peerUrl, why: 'never-started'}
			: {do: 'start', as: hasManifest ? 'it-is' : 'new', members};
	if (!hasData) {
		// Its disk is another one: what it knew is lost, and etcd takes nobody back under an old name.
		if (isRemovable) return {do: 'remove', peerUrl, why: 'lost-data'};
		return {
			do: 'refuse',
			why: 'its member of etcd has lost its data, and the others are no majority without it',
			mend: 'Start the masters that are off, and run the same command again.',
		};
	}
	if (own.isHealthy) return undefined;
	return {do: 'start', as: hasManifest ? 'it-is' : 'new', members};
}

function refusal(member: MemberHealth): EtcdStep {
	const where = member.peerUrls[0] ?? member.id;
	if (!hasStarted(member)) {
		return {
			do: 'refuse',
			why: `the member at ${where} was announced to etcd and has not started`,
			mend: 'Let that master join first, or take it out with "sealimage delete --masters".',
		};
	}
	return {
		do: 'refuse',
		why: `the member ${member.name} of etcd is not healthy: ${member.why ?? 'it says nothing'}`,
		mend: 'Start that master again, or take it out with "sealimage delete --masters", and run the same command again.',
	};
}
