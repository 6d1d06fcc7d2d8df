import {mkdir} from 'node:fs/promises';
import {hostname} from 'node:os';
import {join} from 'node:path';
import {formatBytes} from '../../../core/bytes.js';
import {emit, type OperationOptions} from '../../../core/events.js';
import {withIo} from '../../../core/io-error.js';
import {withLock} from '../../../core/lock.js';
import {mapBounded} from '../../../core/pool.js';
import {digestOf, hexOf} from '../../../oci/digest.js';
import {HostError} from '../../host/error.js';
import {exec} from '../../transport/exec.js';
import {fileError} from '../../transport/file-error.js';
import {uploadFile} from '../../transport/files.js';
import type {Transport} from '../../transport/transport.js';
import {startError} from '../agent-process.js';
import type {AgentBundle, AgentFile} from '../bundle/bundle.js';
import {errorFrom, parseReply, printable} from '../reply.js';
import {compressed} from './compress.js';
import {agentPrefix, checkPrefix, launcher} from './layout.js';
import {scriptWords} from './scripts.js';
import {platformOf, type Survey, surveyHost} from './survey.js';

export interface InstallOptions extends OperationOptions {
	/** The agent for a platform; asked once the host has said what it is. */
	readonly bundle: (platform: string) => Promise<AgentBundle>;
	/** For what is compressed to be sent. */
	readonly cacheDir: string;
	/** Default `/opt/sealimage`. */
	readonly prefix?: string | undefined;
	/**
	 * Brings a file to a path on the host in another way than over the operator's connection, with the tools that the host has; false when
	 * that cannot be.
	 */
	readonly carry?: ((file: AgentFile, path: string, tools: ReadonlySet<string>) => Promise<boolean>) | undefined;
}

export interface Installed {
	readonly id: string;
	readonly platform: string;
	/** False when this version was there, whole, and the one that counts: nothing was done. */
	readonly changed: boolean;
	readonly previous: string | undefined;
	/** Versions that nobody needed any more. */
	readonly removed: readonly string[];
	/** What went over the operator's connection. */
	readonly sentBytes: number;
}

/**
 * Installs the agent on a host, or mends the one that is there. Only bytes that no version on the host has are sent; each file is
 * verified there. The new version is put beside the others and started once before it counts, with one rename; a power cut at any
 * moment leaves the old one at work, and the next attempt goes on with what had arrived.
 * @throws HostError ERR_AGENT_PLATFORM, ERR_AGENT_LIBRARY, ERR_AGENT_START, ERR_NO_SPACE, ERR_READ_ONLY, ERR_PERMISSION, those of the
 * transport; SealError ERR_AGENT_BUNDLE
 */
export async function installAgent(transport: Transport, options: InstallOptions): Promise<Installed> {
	const prefix = checkPrefix(options.prefix ?? agentPrefix);
	const locks = join(options.cacheDir, 'installing');
	await withIo('make the folder', locks, () => mkdir(locks, {recursive: true}));
	const lock = join(locks, hexOf(digestOf(JSON.stringify([transport.host, prefix]))).slice(0, 32));
	const what = `the agent of ${transport.host}`;
	return await withLock(lock, () => installAlone(transport, prefix, options), {
		what,
		timeoutMs: patienceMs,
		signal: options.signal,
	});
}

/** Who comes second to a host waits for the first, and then has nothing to do. */
const patienceMs = 15 * 60_000;

async function installAlone(transport: Transport, prefix: string, options: InstallOptions): Promise<Installed> {
	const platform = await platformOf(transport, options);
	const bundle = await options.bundle(platform);
	const stage = stageOf(bundle, options);
	const survey = await surveyHost(transport, prefix, bundle, stage, options);
	checkLibrary(transport.host, survey, bundle);
	const target = join(prefix, 'versions', bundle.id);
	const done = {id: bundle.id, platform, removed: [], sentBytes: 0};
	const isThere = bundle.files.every(({name}) => survey.have.get(name) === join(target, name));
	if (isThere && survey.current === bundle.id && survey.launcher === hexOf(digestOf(launcher)))
		return {...done, changed: false, previous: undefined};
	const missing = bundle.files.filter(({name}) => !survey.have.has(name));
	checkSpace(transport.host, survey, missing);
	const sent = await mapBounded(missing, 4, file => send(transport, survey, bundle, file, options), options);
	const sources = new Map(missing.map(({name}, i) => [name, sent[i]!.how]));
	const words = bundle.files.flatMap(({name, sizeBytes, digest, mode}) => [
		name,
		String(sizeBytes),
		hexOf(digest),
		mode.toString(8),
		sources.get(name) ?? survey.have.get(name)!,
	]);
	const {previous, removed} = await finish(transport, prefix, bundle, words, options);
	const sentBytes = sent.reduce((sum, {bytes}) => sum + bytes, 0);
	return {...done, changed: true, previous, removed, sentBytes};
}

/**
 * The folder of a version on its way: one for each operator, so that two who install the same version at once do not move or mix each other's
 * files; the same for each attempt of one operator, which so goes on where it was cut.
 */
export function stageOf({id}: AgentBundle, {cacheDir}: Pick<InstallOptions, 'cacheDir'>): string {
	const operator = hexOf(digestOf(JSON.stringify([hostname(), cacheDir]))).slice(0, 12);
	return `.${id}.${operator}`;
}

type Sent = {readonly how: 'sent' | 'gzip'; readonly bytes: number};

async function send(
	transport: Transport,
	survey: Survey,
	bundle: AgentBundle,
	file: AgentFile,
	options: InstallOptions,
): Promise<Sent> {
	const {prefix = agentPrefix, cacheDir, signal} = options;
	const path = join(prefix, 'versions', stageOf(bundle, options), file.name);
	if ((await options.carry?.(file, path, survey.tools)) === true) return {how: 'sent', bytes: 0};
	const isSmall = file.sizeBytes < shownBytes;
	const step = {id: `${transport.host} ${file.name}`, title: `Send the agent to ${transport.host}`};
	const shown = isSmall ? undefined : options;
	const common = {makeFolders: true, onEvent: shown?.onEvent, signal, id: step.id};
	emit(shown, {type: 'step.started', ...step});
	const started = performance.now();
	const gzip = survey.tools.has('gzip') ? await compressed(file, cacheDir, options) : undefined;
	const {content, digest, mode} = file;
	const plain = content.kind === 'bytes' ? {bytes: content.bytes} : {file: content.path, digest};
	const {sentBytes} =
		gzip === undefined
			? await uploadFile(transport, plain, path, {...common, mode})
			: await uploadFile(transport, {file: gzip.path, digest: gzip.digest}, `${path}.gz`, {...common, mode: 0o600});
	emit(shown, {type: 'step.finished', ...step, sizeBytes: sentBytes, elapsedMs: performance.now() - started});
	return {how: gzip === undefined ? 'sent' : 'gzip', bytes: sentBytes};
}

/** What is smaller is sent before anybody could look. */
const shownBytes = 8 * 1024 * 1024;
const maxOutputBytes = 1024 * 1024;

async function finish(
	transport: Transport,
	prefix: string,
	bundle: AgentBundle,
	words: readonly string[],
	options: InstallOptions,
): Promise<{readonly previous: string | undefined; readonly removed: readonly string[]}> {
	const {host} = transport;
	const argv = scriptWords('finish', [prefix, bundle.id, stageOf(bundle, options), ...words]);
	const {stdout, stderr, status} = await exec(transport, argv, {signal: options.signal, maxOutputBytes});
	const said = printable(stderr.toString().slice(-4000), 1000);
	for (const line of stdout.toString().split('\n')) {
		if (!line.startsWith('{"id":0,')) continue;
		const reply = parseReply(Buffer.from(line));
		if ('error' in reply) throw errorFrom(host, reply.error);
		if ('result' in reply && status.code === 0) return readActivated(reply.result);
	}
	if (/^differs /m.test(stderr.toString())) {
		throw new HostError(host, 'ERR_CONTENT_DIGEST', `The agent did not arrive as it was sent: ${said}`, {
			hint: 'Install it again; if that fails too, check disk and memory of the host.',
		});
	}
	if (/^start$/m.test(stdout.toString())) {
		const error = startError(host, join(prefix, 'versions', bundle.id), status, said);
		// The program is there: what is missing is the loader that it names.
		throw error.code === 'ERR_AGENT_MISSING' ? noLoader(host, said) : error;
	}
	throw fileError(host, 'install the agent in', prefix, stderr.toString());
}

function readActivated(result: unknown): {readonly previous: string | undefined; readonly removed: readonly string[]} {
	const {previous, removed} = (result ?? {}) as {previous?: unknown; removed?: unknown};
	const texts = Array.isArray(removed) ? removed.filter(one => typeof one === 'string').slice(0, 100) : [];
	return {
		previous: typeof previous === 'string' ? printable(previous, 100) : undefined,
		removed: texts.map(one => printable(one, 100)),
	};
}

function checkLibrary(host: string, {glibc}: Survey, {manifest}: AgentBundle): void {
	const wanted = manifest.needs.glibc;
	if (glibc === undefined || !isOlder(glibc, wanted)) return;
	throw new HostError(host, 'ERR_AGENT_LIBRARY', `The host has glibc ${glibc}, the agent needs ${wanted}`, {
		hint: 'Use a newer system on this host, such as RHEL 8, Debian 10, Ubuntu 20.04 or anything later.',
		details: {found: glibc, expected: wanted},
	});
}

function noLoader(host: string, stderr: string): HostError {
	return new HostError(host, 'ERR_AGENT_LIBRARY', 'The host cannot start programs for glibc, and the agent is one', {
		hint: 'Use a system with glibc 2.28 or newer on this host; Alpine and its like have another C library.',
		details: {stderr},
	});
}

function isOlder(found: string, wanted: string): boolean {
	const [a = 0, b = 0] = found.split('.').map(Number);
	const [c = 0, d = 0] = wanted.split('.').map(Number);
	return a < c || (a === c && b < d);
}

/** Compressed and plain form are there together for a moment. */
function checkSpace(host: string, {freeBytes}: Survey, missing: readonly AgentFile[]): void {
	const neededBytes = Math.ceil(missing.reduce((sum, file) => sum + file.sizeBytes, 0) * 1.4);
	if (freeBytes === undefined || freeBytes >= neededBytes) return;
	throw new HostError(
		host,
		'ERR_NO_SPACE',
		`The agent needs ${formatBytes(neededBytes)} below /opt, and ${formatBytes(freeBytes)} are free`,
		{hint: 'Free space on that file system of the host.', details: {neededBytes, freeBytes}},
	);
}
