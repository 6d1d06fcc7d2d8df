import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {PassThrough} from 'node:stream';
import type {Digest} from '../../lib/oci/digest.js';
import {agentPath} from '../../lib/runtime/agent/agent-process.js';
import {runOnce} from '../../lib/runtime/agent/once.js';
import {agentProtocol} from '../../lib/runtime/agent/protocol.js';
import {runSession} from '../../lib/runtime/agent/session.js';
import {agentVerbs} from '../../lib/runtime/agent/verbs.js';
import type {HostTarget} from '../../lib/runtime/host/target.js';
import {formatEntries, type JournalEntry} from '../../lib/runtime/state/journal.js';
import {parseMember} from '../../lib/runtime/state/member.js';
import {clusterPlaces} from '../../lib/runtime/state/places.js';
import {createFakeHost, type FakeHost} from '../../lib/runtime/transport/fake/host.js';
import {createLocalTransport} from '../../lib/runtime/transport/local/local.js';
import type {ExitStatus, OpenTransport, RemoteProcess, Transport} from '../../lib/runtime/transport/transport.js';
import {toldText} from './told-host.js';

/** Hosts whose folders and agents are real, and whose machines are played: nothing outside of their folders is changed. */
export interface PlayedHosts {
	readonly open: OpenTransport;
	readonly targets: readonly HostTarget[];
	/** Every verb that an agent was asked for, as `m1 lock`. */
	readonly asked: readonly string[];
	/** Sessions of agents that are open. */
	readonly sessions: () => number;
	host(name: string): PlayedHost;
	/** Another name by which a host is reached. */
	alias(name: string, of: string): void;
}

export interface PlayedHost {
	readonly name: string;
	/** In place of /var/lib/sealimage. */
	readonly root: string;
	/** What it says beside its facts and its folder: lines of the script that looks at hosts. */
	lines: readonly string[];
	/** Answers to commands other than lines of hooks, which run. */
	readonly fake: FakeHost;
	/** Refuses every command with this. */
	failure: Error | undefined;
	/** Verbs that the agent is asked for, in place of what it would do. */
	readonly verbs: Map<string, (params: unknown) => unknown>;
	note(entries: readonly JournalEntry[]): void;
	/** An image that was unpacked there. */
	unpacked(name: string, manifest: Digest): void;
	write(what: 'member' | 'state', value: unknown): void;
}

/** What an agent does within its own folder. */
const harmless: ReadonlySet<string> = new Set([
	...['fetch', 'have', 'journal', 'lock', 'offer', 'receive', 'serve', 'stage', 'state', 'unpack'],
]);

export function playedHosts(dir: string, roles: Readonly<Record<string, 'master' | 'node'>>): PlayedHosts {
	const asked: string[] = [];
	const open = {count: 0};
	const hosts = new Map(Object.keys(roles).map((name, index) => [name, createPlayed(dir, name, index + 1)] as const));
	return {
		targets: Object.entries(roles).map(([name, role]) => ({name, address: name, roles: [role], login: {}})),
		asked,
		sessions: () => open.count,
		open: ({name}) => {
			const host = hosts.get(name);
			return host === undefined ? createFakeHost({name}).transport : transportOf(host, asked, open);
		},
		host: name => hosts.get(name)!,
		alias: (name, of) => void hosts.set(name, hosts.get(of)!),
	};
}

interface Played extends PlayedHost {
	readonly number: number;
}

function createPlayed(dir: string, name: string, number: number): Played {
	const root = join(dir, name);
	const places = clusterPlaces(root);
	const inFolder = (path: string, content: string, flag: 'a' | 'w'): void => {
		mkdirSync(places.folder, {recursive: true});
		writeFileSync(path, content, {flag});
	};
	return {
		name,
		number,
		root,
		lines: [],
		fake: createFakeHost({name}),
		failure: undefined,
		verbs: new Map(),
		note: entries => inFolder(places.journal, formatEntries(entries), 'a'),
		unpacked(image, manifest) {
			const layers = [{diffId: manifest}];
			mkdirSync(join(root, 'images'), {recursive: true});
			writeFileSync(
				join(root, 'images', `${manifest.slice(7)}.json`),
				JSON.stringify({name: image, manifest, layers, unpackedAtMs: 1}),
			);
		},
		write: (what, value) => inFolder(places[what], JSON.stringify(value), 'w'),
	};
}

function transportOf(host: Played, asked: string[], open: {count: number}): Transport {
	const local = createLocalTransport({host: host.name});
	const lead = (word: string): string => word.replaceAll('/var/lib/sealimage', host.root);
	return {
		host: host.name,
		async spawn(argv, options = {}) {
			options.signal?.throwIfAborted();
			if (host.failure !== undefined) throw host.failure;
			if (argv[0] === agentPath) return startAgent(host, argv.at(-1)!, options.signal, asked, open);
			if (argv[2] === 'eval "$(cat)"') return told(host).transport.spawn(argv, options);
			if (options.cwd === undefined) return host.fake.transport.spawn(argv, options);
			return await local.spawn(argv, {...options, as: 'login', cwd: lead(options.cwd)});
		},
		close: () => local.close(),
		[Symbol.asyncDispose]: () => local.close(),
	};
}

/** Hosts of one kind, each with a name, an identity and addresses of its own. */
function told(host: Played): FakeHost {
	const {member, journal, state} = clusterPlaces(host.root);
	const read = (path: string): string | undefined => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);
	const images = join(host.root, 'images');
	const names = existsSync(images) ? readdirSync(images).filter(name => name.endsWith('.json')) : [];
	const number = String(host.number).padStart(2, '0');
	const text = toldText({
		member: parseMember(read(member) ?? ''),
		journal: read(journal),
		state: read(state),
		lines: [
			...host.lines,
			...names.map((name, index) => `image-${index + 1} ${readFileSync(join(images, name)).toString('base64')}`),
		],
	})
		.replaceAll('10.20.0.11', addressOf(host))
		.replaceAll('172.31.5.11', `172.31.5.1${number}`)
		.replaceAll('2001:db8:20::11', `2001:db8:20::1${number}`)
		.replaceAll('web-11', `node-${host.name}`)
		.replace('1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f', `1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e${number}`)
		.replace('99AABBCCDDEE', `99AABBCCDD${number}`);
	return createFakeHost({name: host.name}).on(() => true, text);
}

function addressOf({number}: Played): string {
	return `10.20.0.${100 + number}`;
}

/** The agent's own code in this process, with verbs that would change the machine left out. */
function startAgent(
	host: Played,
	verb: string,
	signal: AbortSignal | undefined,
	asked: string[],
	open: {count: number},
): RemoteProcess {
	const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
	const stop = new AbortController();
	const end = (): void => stop.abort(new Error('The connection was lost'));
	signal?.addEventListener('abort', end, {once: true});
	const verbs = Object.fromEntries(
		Object.keys(agentVerbs).map(name => [
			name,
			async () => {
				asked.push(`${host.name} ${name}`);
				const played = host.verbs.get(name);
				if (played !== undefined)
					return {name, parse: (params: unknown) => params, run: async (params: unknown) => played(params)};
				if (harmless.has(name)) return await agentVerbs[name]!();
				throw new Error(`${name} is not played on ${host.name}`);
			},
		]),
	);
	open.count++;
	const identity = {protocol: agentProtocol, platform: 'linux/amd64', version: '0'};
	const surroundings = {stdin, stdout, identity, verbs, root: host.root, signal: stop.signal};
	const served = verb === 'session' ? runSession(surroundings) : runOnce(verb, undefined, surroundings);
	const exit = served.then((): ExitStatus => {
		open.count--;
		signal?.removeEventListener('abort', end);
		stdout.end();
		stderr.end();
		return {code: 0};
	});
	return {
		stdin,
		stdout,
		stderr,
		exit: exit.then(status => {
			signal?.throwIfAborted();
			return status;
		}),
		kill: async () => end(),
		resize: () => undefined,
	};
}
