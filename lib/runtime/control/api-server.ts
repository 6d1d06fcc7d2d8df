import {hasCode, isSealError, SealError} from '../../core/errors.js';
import {HostError} from '../host/error.js';
import type {ClusterRun, RunHost} from '../lifecycle/run.js';
import type {ClusterSetting} from '../lifecycle/setting.js';
import {exec} from '../transport/exec.js';
import {askedAt} from './describe.js';
import {kubectlWords} from './kubectl.js';
import {lastWords} from './last-words.js';
import {type ControlOptions, patienceOf, pause} from './patience.js';
import {visible} from './say.js';

/**
 * Waits on the host itself until its API server says that it is ready.
 * @throws HostError ERR_API_SERVER with the host's own last words, and what `exec` throws
 */
export async function awaitApiServer(
	setting: ClusterSetting,
	master: RunHost,
	options: ControlOptions = {},
): Promise<void> {
	const {signal} = options;
	const timeoutMs = patienceOf(options).apiMs;
	const ask = kubectlWords(askedAt(setting, master), ['--request-timeout', '10s', 'get', '--raw', '/readyz']);
	const argv = ['sh', '-c', waitScript, 'sealimage-wait', String(Math.ceil(timeoutMs / 1000)), ...ask];
	const result = await exec(master.transport, argv, {signal, timeoutMs: timeoutMs + 30_000, maxOutputBytes: 65_536});
	if (result.status.code === 0) return;
	const said = visible(result.stderr.toString().trim().split('\n').at(-1) ?? '').slice(0, 400);
	throw new HostError(
		master.name,
		'ERR_API_SERVER',
		`The API server is not ready after ${timeoutMs / 1000} s${said === '' ? '' : `: ${said}`}`,
		{
			hint: 'Look at "journalctl -u kubelet" and at "crictl ps -a" on the host, mend what they say, and run the same command again.',
			details: {...(await lastWords(master.transport, {signal}))},
		},
	);
}

/** POSIX sh: once a second for so many seconds. The last words of kubectl are told. */
const waitScript = `
until=$(($(date +%s) + $1)); shift
while :; do
	said=$("$@" 2>&1 >/dev/null) && exit 0
	[ "$(date +%s)" -lt "$until" ] || { echo "$said" >&2; exit 1; }
	sleep 1
done
`;

export interface MasterOptions extends ControlOptions {
	/** Names of nodes that are not asked. */
	readonly but?: readonly string[] | undefined;
}

/**
 * Asks a live master, and the next one when it has gone meanwhile.
 * @throws SealError as `liveMaster`, and what `ask` throws
 */
export async function onLiveMaster<T>(
	run: ClusterRun,
	options: MasterOptions,
	ask: (master: RunHost) => Promise<T>,
): Promise<T> {
	const tried = [...(options.but ?? [])];
	let failure: unknown;
	for (;;) {
		let master: RunHost;
		try {
			master = await liveMaster(run, {...options, but: tried});
		} catch (error) {
			throw failure ?? error;
		}
		try {
			return await ask(master);
		} catch (error) {
			options.signal?.throwIfAborted();
			if (!isAway(error)) throw error;
			failure = error;
			tried.push(master.nodeName);
		}
	}
}

/** The master, or its API server, does not answer any more; another may. */
function isAway(error: unknown): boolean {
	if (!isSealError(error)) return false;
	if (hasCode(error, 'ERR_COMMAND_FAILED')) return away.test(error.message);
	return error.code.startsWith('ERR_HOST_') || error.code === 'ERR_COMMAND_TIMEOUT';
}

const away =
	/refused|Unable to connect|timed? ?out|TLS handshake|\bEOF\b|ServiceUnavailable|etcdserver|server is currently unable/i;

/**
 * A master whose API server answers, other than those that are not to be asked. When none is known, those that should are asked until one does.
 * @throws SealError ERR_API_SERVER
 */
export async function liveMaster(run: ClusterRun, options: MasterOptions = {}): Promise<RunHost> {
	const {but = []} = options;
	const live = run.liveMasters().find(({nodeName}) => !but.includes(nodeName));
	return live ?? (await awaitSomeApiServer(run, options));
}

/**
 * Waits until one of the masters says that its API server is ready, whatever was known of it: one that lost its etcd for a moment starts anew.
 * @throws SealError ERR_API_SERVER
 */
export async function awaitSomeApiServer(run: ClusterRun, options: MasterOptions = {}): Promise<RunHost> {
	const {but = []} = options;
	const masters = [...new Set([...run.liveMasters(), ...mastersOf(run)])];
	const candidates = masters.filter(({nodeName}) => !but.includes(nodeName));
	const deadline = performance.now() + patienceOf(options).apiMs;
	for (;;) {
		const found = await firstReady(run, candidates, options);
		if (found !== undefined) {
			run.noteLive(found.name);
			return found;
		}
		if (candidates.length === 0 || performance.now() > deadline) throw none(run, candidates);
		await pause(options);
	}
}

/** Masters that were made into ones before this run. */
export function mastersOf(run: ClusterRun): readonly RunHost[] {
	return [...run.hosts.values()].filter(
		({isMaster, state}) => isMaster && state?.kubernetes.manifests.includes('kube-apiserver') === true,
	);
}

async function firstReady(
	run: ClusterRun,
	candidates: readonly RunHost[],
	{signal}: ControlOptions,
): Promise<RunHost | undefined> {
	for (const master of candidates) {
		const ask = kubectlWords(askedAt(run.setting, master), ['--request-timeout', '10s', 'get', '--raw', '/readyz']);
		try {
			const {status} = await exec(master.transport, ask, {signal, timeoutMs: 30_000, maxOutputBytes: 65_536});
			if (status.code === 0) return master;
		} catch {
			signal?.throwIfAborted();
		}
	}
	return undefined;
}

function none(run: ClusterRun, candidates: readonly RunHost[]): SealError {
	const names = candidates.map(({name}) => name).join(', ');
	const which = names === '' ? '' : ` (asked: ${names})`;
	return new SealError('ERR_API_SERVER', `No master of ${run.setting.name} answers as an API server${which}`, {
		hint: 'Start the masters that are off; with more than half of them the cluster works again.',
		details: {asked: candidates.map(({name}) => name)},
	});
}
