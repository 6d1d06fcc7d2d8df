import type {Abortable} from '../../../core/events.js';
import {execOk} from '../../transport/exec.js';
import type {Transport} from '../../transport/transport.js';
import {agentId, parseManifest} from '../bundle/manifest.js';
import {printable} from '../reply.js';
import {agentPrefix} from './layout.js';
import {scriptWords} from './scripts.js';
import {parseSurvey} from './survey.js';

export interface AgentStatus {
	/** As `uname -m` says it. */
	readonly machine: string;
	/** Undefined where the host cannot tell. */
	readonly glibc: string | undefined;
	/** The id of the version that counts. */
	readonly current: string | undefined;
	readonly versions: readonly VersionStatus[];
}

export interface VersionStatus {
	readonly id: string;
	/** Of sealimage; undefined when the version does not describe itself. */
	readonly version: string | undefined;
	readonly node: string | undefined;
	/** Files that are missing or have other bytes than they should; empty for a version that is whole. */
	readonly damaged: readonly string[];
	/** Processes of this version. */
	readonly running: number;
}

const maxOutputBytes = 4 * 1024 * 1024;

/**
 * What agents are on a host, and whether they are whole: every file is read there. One round trip; works without a working agent.
 * @throws HostError of the transport
 */
export async function agentStatus(
	transport: Transport,
	{prefix = agentPrefix, signal}: Abortable & {readonly prefix?: string | undefined} = {},
): Promise<AgentStatus> {
	const argv = scriptWords('status', [prefix, '-', '-']);
	const output = await execOk(transport, argv, {signal, maxOutputBytes});
	const {lines, manifests} = splitManifests(output);
	const {machine, glibc, current, versions, others} = parseSurvey(lines);
	const digests = new Map<string, string>();
	const running = new Map<string, number>();
	for (const line of others) {
		const [word, id = '', name = '', hex = ''] = line.split(' ');
		if (word === 'file') digests.set(`${id} ${name}`, hex);
		if (word === 'running') running.set(id, (running.get(id) ?? 0) + 1);
	}
	return {
		machine,
		glibc,
		current,
		versions: versions.map(id => ({id, ...describe(id, manifests.get(id), digests), running: running.get(id) ?? 0})),
	};
}

function describe(
	id: string,
	bytes: Buffer | undefined,
	digests: ReadonlyMap<string, string>,
): Pick<VersionStatus, 'version' | 'node' | 'damaged'> {
	const unknown = {version: undefined, node: undefined, damaged: ['agent.json']};
	if (bytes === undefined) return unknown;
	try {
		const manifest = parseManifest(bytes, id);
		if (agentId(bytes) !== id) return unknown;
		const damaged = Object.entries(manifest.files)
			.filter(([name, {digest}]) => digests.get(`${id} ${name}`) !== digest.slice('sha256:'.length))
			.map(([name]) => name);
		return {version: printable(manifest.version, 60), node: printable(manifest.node, 60), damaged};
	} catch {
		return unknown;
	}
}

/** What a script says in lines, and the documents after them. */
function splitManifests(output: Buffer): {readonly lines: string; readonly manifests: ReadonlyMap<string, Buffer>} {
	const manifests = new Map<string, Buffer>();
	const first = output.indexOf('\nmanifest ');
	if (first === -1) return {lines: output.toString(), manifests};
	for (let at = first + 1; at < output.length; ) {
		const end = output.indexOf('\n', at);
		const [, id = '', size = ''] = /^manifest (\S+) (\d{1,5})$/.exec(output.toString('latin1', at, end)) ?? [];
		if (end === -1 || id === '') break;
		manifests.set(id, output.subarray(end + 1, end + 1 + Number(size)));
		at = end + 1 + Number(size);
	}
	return {lines: output.toString('utf8', 0, first), manifests};
}
