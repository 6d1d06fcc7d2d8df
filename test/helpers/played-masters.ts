import {type EtcdMember, type MemberHealth, quorumOf, removalProblem} from '../../lib/runtime/control/etcd/members.js';
import {HostError} from '../../lib/runtime/host/error.js';
import type {ClusterSetting} from '../../lib/runtime/lifecycle/setting.js';
import {createFakeHost, type FakeCall, type FakeHost} from '../../lib/runtime/transport/fake/host.js';
import {type PlayedRun, playRun, scriptOf} from './control-run.js';

/** A master as far as joining goes. What is on its disk outlives a power cut. */
export interface PlayedMaster {
	readonly name: string;
	readonly peerUrl: string;
	isUp: boolean;
	begun?: string | undefined;
	done?: string | undefined;
	/** kubeadm got past its checks. */
	hasLeft: boolean;
	hasConfig: boolean;
	isKubeletOn: boolean;
	/** `broken`: kubeadm wrote it for a member that had no name yet. */
	manifest: 'none' | 'whole' | 'broken';
	/** Of which member the data is. */
	data?: string | undefined;
	/** It has told the cluster of itself. */
	isNode: boolean;
}

/**
 * Masters whose kubeadm, kubelets and etcd follow the rules of theirs: who is announced counts at once below 1.29, a member starts with data of its own or
 * a whole manifest, and nothing changes without a majority.
 */
export interface PlayedMasters {
	readonly masters: ReadonlyMap<string, PlayedMaster>;
	readonly hosts: ReadonlyMap<string, FakeHost>;
	/** kubeadm is cut off before its step of this number, counted from 0. */
	cutAt: number | undefined;
	/** So many times kubeadm meets an API server that has just gone. */
	refusals: number;
	members(): readonly MemberHealth[];
	/** A run as one that begins now finds the hosts. */
	run(): PlayedRun;
	/** Announces a member of which nobody knows. */
	announce(peerUrl: string): void;
}

interface Member {
	readonly id: string;
	readonly peerUrl: string;
	name: string;
	isLearner: boolean;
}

/** The first of them are masters already. */
export function playMasters(setting: ClusterSetting, ready: number): PlayedMasters {
	let nextId = 1;
	const newMember = (peerUrl: string, name = '', isLearner = false): Member => ({
		id: `${nextId++}`,
		peerUrl,
		name,
		isLearner,
	});
	const masters = new Map(
		setting.hosts.map(({name, addresses: [address = '']}, index): [string, PlayedMaster] => [
			name,
			{
				name,
				peerUrl: `https://${address}:2380`,
				isUp: true,
				hasLeft: index < ready,
				hasConfig: index < ready,
				isKubeletOn: index < ready,
				manifest: index < ready ? 'whole' : 'none',
				isNode: index < ready,
			},
		]),
	);
	let members: Member[] = [...masters.values()].slice(0, ready).map(master => {
		const member = newMember(master.peerUrl, master.name);
		master.data = member.id;
		return member;
	});

	const masterAt = (peerUrl: string): PlayedMaster | undefined =>
		[...masters.values()].find(master => master.peerUrl === peerUrl);
	const isRunning = (master: PlayedMaster | undefined): boolean =>
		master?.isUp === true &&
		master.isKubeletOn &&
		master.manifest !== 'none' &&
		members.some(({id}) => id === master.data);
	/** Members that can start do. */
	const settle = (): void => {
		for (const member of members) {
			const master = masterAt(member.peerUrl);
			if (master === undefined || member.name !== '' || !master.isUp || !master.isKubeletOn) continue;
			if (master.manifest !== 'whole' || master.data !== undefined) continue;
			member.name = master.name;
			master.data = member.id;
		}
	};
	const hasQuorum = (): boolean => {
		const voters = members.filter(({isLearner}) => !isLearner);
		return voters.filter(({peerUrl}) => isRunning(masterAt(peerUrl))).length >= quorumOf(voters.length);
	};
	const health = (): readonly MemberHealth[] => {
		settle();
		return members.map(({id, name, peerUrl, isLearner}) => ({
			...({id, name, peerUrls: [peerUrl], clientUrls: [], isLearner} satisfies EtcdMember),
			isHealthy: isRunning(masterAt(peerUrl)) && (isLearner || hasQuorum()),
		}));
	};

	const played: PlayedMasters = {
		masters,
		hosts: new Map([...masters.keys()].map(name => [name, createFakeHost({name})])),
		cutAt: undefined,
		refusals: 0,
		members: health,
		announce: peerUrl => void members.push(newMember(peerUrl)),
		run() {
			settle();
			const live = hasQuorum() ? [...masters.values()].filter(isRunning).map(({name}) => name) : [];
			const states = [...masters.values()].map(({name, manifest}) => [
				name,
				{manifests: manifest === 'none' ? [] : ['etcd', 'kube-apiserver'], hasAdminConf: true},
			]);
			return playRun(setting, {hosts: played.hosts, live, states: Object.fromEntries(states), agent});
		},
	};

	function agent(host: string, verb: string, params: unknown): unknown {
		const {do: what, peerUrl} = params as {do: string; peerUrl: string};
		if (verb !== 'etcd' || !isRunning(masters.get(host))) throw new HostError(host, 'ERR_ETCD', 'etcd does not answer');
		const all = health();
		const member = members.find(candidate => candidate.peerUrl === peerUrl);
		if (what === 'status') return {members: all};
		if (member === undefined) return {isChanged: false};
		if (what === 'promote') member.isLearner = false;
		else {
			const why = removalProblem(all, member.id);
			if (why !== undefined) throw new HostError(host, 'ERR_ETCD_QUORUM', why);
			members = members.filter(({id}) => id !== member.id);
		}
		return {isChanged: true};
	}

	function kubeadm(master: PlayedMaster, call: FakeCall): {code: number; stderr?: string; lost?: boolean} {
		const [, , , , , digest = '', , , , , ...flags] = call.argv;
		const fail = (stderr: string): {code: number; stderr: string} => ({code: 1, stderr: `${stderr}\n`});
		let step = 0;
		const isCut = (): boolean => step++ === played.cutAt;
		if (master.done !== undefined && master.hasConfig) return {code: master.done === digest ? 0 : 76};
		if (isCut()) return {code: 1, lost: true};
		const isAgain = master.begun === digest && master.hasLeft;
		master.begun = digest;
		if (isCut()) return {code: 1, lost: true};
		if (!isAgain && (master.data !== undefined || master.manifest !== 'none'))
			return fail('\t[ERROR DirAvailable--var-lib-etcd]: /var/lib/etcd is not empty');
		if (!hasQuorum()) return fail('error execution phase preflight: Abort reading the cluster-info ConfigMap');
		if (played.refusals-- > 0)
			return fail('error execution phase preflight: unable to fetch: connect: connection refused');
		master.hasLeft = true;
		if (isCut()) return {code: 1, lost: true};
		const ill = health().find(({isHealthy}) => !isHealthy);
		if (ill !== undefined) return fail('error execution phase check-etcd: etcd cluster is not healthy');
		if (!flags.includes('--skip-phases=kubelet-start')) {
			if (master.isNode && master.isKubeletOn)
				return fail(
					`error execution phase kubelet-start: a Node with name "${master.name}" and status "Ready" already exists in the cluster.`,
				);
			master.hasConfig = true;
			master.isKubeletOn = true;
			master.isNode = true;
		}
		if (isCut()) return {code: 1, lost: true};
		const known = members.find(({peerUrl}) => peerUrl === master.peerUrl);
		if (known === undefined) members.push(newMember(master.peerUrl, '', setting.version.minor >= 29));
		if (isCut()) return {code: 1, lost: true};
		master.manifest = known !== undefined && known.name === '' ? 'broken' : 'whole';
		if (isCut()) return {code: 1, lost: true};
		settle();
		if (!isRunning(master))
			return fail('error execution phase control-plane-join/etcd: timeout waiting for etcd cluster to be available');
		if (isCut()) return {code: 1, lost: true};
		for (const member of members) if (member.peerUrl === master.peerUrl) member.isLearner = false;
		if (isCut()) return {code: 1, lost: true};
		master.done = digest;
		return {code: 0};
	}

	for (const [name, host] of played.hosts) {
		const master = masters.get(name)!;
		host.on(
			() => true,
			async call => {
				await call.readInput();
				if (!master.isUp) return {lost: true};
				switch (scriptOf(call.argv)) {
					case 'sealimage-kubeadm':
						return kubeadm(master, call);
					case 'sealimage-etcd-look': {
						const isOurs = master.begun === call.argv[6];
						const found = [
							master.manifest !== 'none' && 'manifest',
							master.data !== undefined && 'data',
							isOurs && 'begun',
						];
						return `${found.filter(Boolean).join('\n')}\n`;
					}
					case 'sealimage-etcd-aside':
						Object.assign(master, {manifest: 'none', data: undefined, done: undefined});
						return '';
					case 'sealimage-etcd-write':
						Object.assign(master, {manifest: 'whole', hasConfig: true, isKubeletOn: true, isNode: true});
						return '';
					case 'systemctl':
						master.isKubeletOn = master.hasConfig;
						return '';
					case 'sealimage-wait':
						return {code: hasQuorum() ? 0 : 1};
					case 'kubectl':
						if (!hasQuorum()) return {code: 1, stderr: 'connection refused'};
						return call.argv.join(' ').includes('machineID') ? `machine-of-${call.argv[8]}` : 'ok';
					default:
						return '';
				}
			},
		);
	}
	return played;
}
