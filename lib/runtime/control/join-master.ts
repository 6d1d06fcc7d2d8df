import {hasCode} from '../../core/errors.js';
import {emit} from '../../core/events.js';
import {printYaml} from '../../core/yaml.js';
import type {Digest} from '../../oci/digest.js';
import {HostError} from '../host/error.js';
import {type KubeadmDocument, kubeadmGroup} from '../kubeadm/document.js';
import {initDocuments} from '../kubeadm/documents.js';
import type {ClusterRun, RunHost} from '../lifecycle/run.js';
import {exec} from '../transport/exec.js';
import {mastersOf} from './api-server.js';
import {askedAt, etcdOf, kubeadmClusterOf} from './describe.js';
import {askMembers, peerUrlOf, promoteMember, removeMember} from './etcd/ask.js';
import {type EtcdMember, hasStarted, type MemberHealth} from './etcd/members.js';
import {type EtcdStep, nextEtcdStep, type Removal} from './etcd/next-step.js';
import {type EtcdPlaces, lookAtEtcd, setEtcdAside, startEtcd, writeEtcd} from './etcd/on-host.js';
import {etcdPatch} from './etcd/patch.js';
import {workOf} from './host.js';
import {kubectlWords} from './kubectl.js';
import {lastWords} from './last-words.js';
import {type ControlOptions, patienceOf, pause} from './patience.js';
import {say} from './say.js';

export interface JoiningMaster {
	readonly run: ClusterRun;
	readonly host: RunHost;
	/** Of the action, for events. */
	readonly id: string;
	/** Of what the host is to be; tells an attempt of this cluster from another's. */
	readonly digest: Digest;
}

/** Each mends one thing; more means that two of them are at odds. */
const maxSteps = 8;

/**
 * Brings etcd to where `kubeadm join` of a master can begin, or go on: all members healthy, and none announced that never started.
 * @throws HostError ERR_ETCD_MEMBER when that needs somebody, ERR_ETCD, ERR_ETCD_QUORUM, ERR_COMMAND_FAILED, those of the transport
 */
export async function readyEtcd(joining: JoiningMaster, options: ControlOptions): Promise<void> {
	const {run, host, id, digest} = joining;
	const places = placesOf(run);
	if (places === undefined) return;
	const peerUrl = peerUrlOf(host);
	const known = new Set(run.setting.hosts.filter(({isMaster}) => isMaster).map(peerUrlOf));
	const deadline = performance.now() + patienceOf(options).settleMs;
	for (let steps = 0; steps < maxSteps; ) {
		const isPatient = performance.now() < deadline;
		const members = await askOthers(joining, options).catch((error: unknown) => {
			options.signal?.throwIfAborted();
			// etcd of a host that was started a moment ago does not answer yet.
			if (!isPatient || !hasCode(error, 'ERR_ETCD')) throw error;
			return undefined;
		});
		if (members === undefined) {
			await pause(options);
			continue;
		}
		const onHost = await lookAtEtcd(host.transport, places, digest, options);
		const step = nextEtcdStep(members, peerUrl, onHost, known);
		if (step.do === 'join' || step.do === 'go-on') return;
		const mayPass = step.do === 'refuse' || (step.do === 'remove' && step.why === 'silent');
		if (mayPass && isPatient) {
			await pause(options);
			continue;
		}
		if (step.do === 'refuse') throw refused(host, step.why, step.mend);
		say(options, id, [titleOf(step, host)]);
		await take(step, joining, places, options);
		steps++;
	}
	throw new HostError(host.name, 'ERR_ETCD_MEMBER', `etcd is not ready for another master after ${maxSteps} steps`, {
		hint: 'Look at the members with "sealimage status", and run the same command again.',
	});
}

/**
 * Waits until the member of a master that has joined works, and gives it its voice where it came without.
 * @throws HostError ERR_ETCD_MEMBER with the host's own last words
 */
export async function awaitMember(joining: JoiningMaster, options: ControlOptions): Promise<void> {
	if (placesOf(joining.run) === undefined) return;
	const isGood = (member: EtcdMember & {readonly isHealthy: boolean}): boolean =>
		hasStarted(member) && member.isHealthy && !member.isLearner;
	await awaitOwn(joining, isGood, options);
}

function refused({name}: RunHost, why: string, hint: string): HostError {
	return new HostError(name, 'ERR_ETCD_MEMBER', `The host cannot become a master now: ${why}`, {hint});
}

function placesOf(run: ClusterRun): EtcdPlaces | undefined {
	const etcd = etcdOf(run.setting);
	return etcd === 'external' ? undefined : {dataDir: etcd.dataDir, work: workOf(run)};
}

function titleOf(step: EtcdStep, {nodeName}: RunHost): string {
	switch (step.do) {
		case 'start':
			return `start the member of ${nodeName} that etcd waits for`;
		case 'remove':
			return `take the member at ${step.peerUrl}, which ${removals[step.why]}, out of etcd`;
		case 'set-aside':
			return 'put aside data of a member that is none any more';
		default:
			return 'look at etcd';
	}
}

const removals: Readonly<Record<Removal, string>> = {
	'never-started': 'never started',
	'lost-data': 'has lost its data',
	silent: 'does not work and is of no master of the cluster',
};

async function take(
	step: EtcdStep,
	joining: JoiningMaster,
	places: EtcdPlaces,
	options: ControlOptions,
): Promise<void> {
	const {host} = joining;
	switch (step.do) {
		case 'remove':
			await withOther(joining, master => removeMember(master, step.peerUrl, options), options);
			return;
		case 'set-aside':
			await setEtcdAside(host.transport, places, options);
			return;
		case 'start':
			await start(step, joining, places, options);
			await wakeApiServers(joining, options);
			return;
		default:
	}
}

/** As it is, when its manifest may be whole; with a manifest that is written anew when that brought nothing. */
async function start(
	{as, members}: EtcdStep & {do: 'start'},
	joining: JoiningMaster,
	places: EtcdPlaces,
	options: ControlOptions,
): Promise<void> {
	const {run, host} = joining;
	const works = (member: MemberHealth): boolean => hasStarted(member) && (member.isHealthy || member.isLearner);
	if (as === 'it-is') {
		await startEtcd(host.transport, options);
		const own = members.find(({peerUrls}) => peerUrls.includes(peerUrlOf(host)));
		// What the manifest says of the others counts at the first start alone: one that has started takes its time.
		if (own !== undefined && hasStarted(own)) {
			await awaitOwn(joining, works, options);
			return;
		}
		try {
			await awaitOwn(joining, works, options, patienceOf(options).memberMs / 3);
			return;
		} catch (error) {
			if (!hasCode(error, 'ERR_ETCD_MEMBER')) throw error;
		}
	}
	const document = printYaml(documentsWith(run, host, members));
	await writeEtcd(host.transport, document, etcdPatch(run.setting.version), places, options);
	await awaitOwn(joining, works, options);
}

/** What kubeadm would have told the member, had it not been stopped between announcing it and writing that down. */
function documentsWith(run: ClusterRun, host: RunHost, members: readonly EtcdMember[]): readonly KubeadmDocument[] {
	const cluster = kubeadmClusterOf(run.setting);
	const own = peerUrlOf(host);
	const all = members.flatMap(({name, id, peerUrls}) =>
		peerUrls.map(url => `${url === own ? host.nodeName : name === '' ? id : name}=${url}`),
	);
	const extraArgs = [
		{name: 'initial-cluster', value: all.join(',')},
		{name: 'initial-cluster-state', value: 'existing'},
	];
	const etcd = {apiVersion: `${kubeadmGroup}/v1beta4`, kind: 'ClusterConfiguration', etcd: {local: {extraArgs}}};
	const node = {name: host.nodeName, addresses: host.addresses};
	return initDocuments({...cluster, given: [...cluster.given, etcd]}, node);
}

/**
 * API servers that had no etcd ended again and again, and kubelets let them wait up to five minutes before the next start. A kubelet that is started
 * anew has forgotten that; what runs goes on running.
 */
async function wakeApiServers({run, host}: JoiningMaster, {signal}: ControlOptions): Promise<void> {
	for (const master of new Set([...run.liveMasters(), ...mastersOf(run)])) {
		if (master.name === host.name) continue;
		const ask = kubectlWords(askedAt(run.setting, master), ['--request-timeout', '10s', 'get', '--raw', '/readyz']);
		const argv = ['sh', '-c', '"$@" >/dev/null 2>&1 || systemctl restart kubelet', 'sealimage-wake', ...ask];
		try {
			await exec(master.transport, argv, {signal, timeoutMs: 60_000});
		} catch {
			// One that is off now has nothing to wait for; whether another answers is seen next.
			signal?.throwIfAborted();
		}
	}
}

async function awaitOwn(
	joining: JoiningMaster,
	isGood: (member: MemberHealth) => boolean,
	options: ControlOptions,
	timeoutMs: number = patienceOf(options).memberMs,
): Promise<void> {
	const {host, id} = joining;
	const {signal} = options;
	const {pollMs} = patienceOf(options);
	const peerUrl = peerUrlOf(host);
	const deadline = performance.now() + timeoutMs;
	let last = 'it is no member';
	for (let attempt = 1; ; attempt++) {
		try {
			const members = await askOthers(joining, options);
			const own = members.find(({peerUrls}) => peerUrls.includes(peerUrl));
			if (own !== undefined && isGood(own)) return;
			last = own === undefined ? 'it is no member' : (own.why ?? 'it is a learner that has not caught up');
			if (own?.isLearner === true && own.isHealthy)
				await withOther(joining, master => promoteMember(master, peerUrl, options), options);
		} catch (error) {
			signal?.throwIfAborted();
			last = (error as Error).message;
		}
		if (performance.now() > deadline) break;
		if (attempt % 5 === 0) emit(options, {type: 'retry', id, attempt, reason: last, delayMs: pollMs});
		await pause(options);
	}
	throw new HostError(
		host.name,
		'ERR_ETCD_MEMBER',
		`The member of etcd does not work after ${timeoutMs / 1000} s: ${last}`,
		{
			hint: 'Look at the log of etcd in /var/log/pods on the host, mend what it says, and run the same command again.',
			details: {...(await lastWords(host.transport, {signal}))},
		},
	);
}

async function askOthers(joining: JoiningMaster, options: ControlOptions): Promise<readonly MemberHealth[]> {
	return await withOther(joining, async master => await askMembers(master, options), options);
}

/** Another master whose etcd answers: without a majority its API server does not, and its member still knows the others. */
async function withOther<T>(
	{run, host}: JoiningMaster,
	ask: (master: RunHost) => Promise<T>,
	{signal}: ControlOptions,
): Promise<T> {
	const others = [...new Set([...run.liveMasters(), ...mastersOf(run)])].filter(({name}) => name !== host.name);
	let failure: unknown = new HostError(
		host.name,
		'ERR_ETCD_MEMBER',
		'There is no other master whose etcd the host could join',
		{hint: 'Start the masters that are off, and run the same command again.'},
	);
	for (const master of others) {
		try {
			return await ask(master);
		} catch (error) {
			signal?.throwIfAborted();
			if (hasCode(error, 'ERR_ETCD_QUORUM')) throw error;
			failure = error;
		}
	}
	throw failure;
}
