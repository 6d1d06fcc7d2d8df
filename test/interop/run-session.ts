import {mkdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {isSealError} from '../../lib/core/errors.js';
import type {SealEvent} from '../../lib/core/events.js';
import type {EntryHeader, LayerEntry} from '../../lib/oci/entry.js';
import {applyEntries, emptyTree, type ImageTree} from '../../lib/oci/tree/tree.js';
import {openRootfs} from '../../lib/sealfile/run/rootfs.js';
import type {RunRequest} from '../../lib/sealfile/run/types.js';

/** One thing to do in a session, as plain data, so that another user's process can do it. */
export type Step = RunStep | {readonly apply: readonly {readonly header: EntryHeader; readonly text?: string}[]};

interface RunStep {
	readonly run: string;
	readonly request?: Partial<RunRequest>;
	readonly secrets?: Readonly<Record<string, string>>;
}

export interface Session {
	/** Holds `scratch` and `cache`. */
	readonly dir: string;
	readonly base?: 'busybox' | 'bare' | 'empty';
	readonly searchPath?: readonly string[];
	readonly platform?: {readonly os: string; readonly architecture: string};
	/** Give up so long after the first output. */
	readonly abortAfterMs?: number;
	readonly steps: readonly Step[];
}

export interface Outcome {
	/** One line per entry of each run: `type mode uid:gid path [-> link] [= text]`. */
	readonly layers: readonly (readonly string[])[];
	readonly output: string;
	readonly warnings: readonly string[];
	readonly error?: {readonly code: string; readonly message: string; readonly hint?: string | undefined};
}

/** Plays a session to its end and says what came of it. */
export async function playSession(session: Session): Promise<Outcome> {
	const layers: string[][] = [];
	const warnings: string[] = [];
	let output = '';
	const stop = new AbortController();
	const onEvent = (event: SealEvent): void => {
		if (event.type === 'warning') warnings.push(event.code);
		if (event.type !== 'command.output') return;
		output += event.text;
		if (session.abortAfterMs !== undefined)
			setTimeout(() => stop.abort(new Error('stopped by the caller')), session.abortAfterMs);
	};
	for (const name of ['scratch', 'cache']) mkdirSync(join(session.dir, name), {recursive: true});
	const rootfs = await openRootfs(baseTree(session.base ?? 'busybox'), noStore, {
		scratchDir: join(session.dir, 'scratch'),
		cacheDir: join(session.dir, 'cache'),
		platform: session.platform ?? {os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch},
		...(session.searchPath === undefined ? {} : {searchPath: session.searchPath}),
		onEvent,
	});
	try {
		for (const step of session.steps) {
			if ('apply' in step) {
				await rootfs.apply(step.apply.map(({header, text}) => entryOf(header, text)));
				continue;
			}
			const {entries} = await rootfs.run({...requestOf(step), onEvent, signal: stop.signal});
			layers.push(entries.map(describeEntry));
		}
		return {layers, output, warnings};
	} catch (error) {
		const code = isSealError(error) ? error.code : 'none';
		const hint = isSealError(error) ? error.hint : undefined;
		return {layers, output, warnings, error: {code, message: (error as Error).message, hint}};
	} finally {
		await rootfs.close();
	}
}

const noStore = {
	exists: async () => false,
	fetch: async () => {
		throw new Error('nothing is stored');
	},
};

function requestOf(step: RunStep): RunRequest {
	return {
		id: 'step',
		file: 'Sealfile',
		line: 7,
		command: {form: 'shell', text: step.run},
		heredocs: [],
		env: [],
		mounts: [],
		network: 'default',
		security: 'sandbox',
		bindSource: () => ({kind: 'tree', tree: sourceTree}),
		secret: id => {
			const text = step.secrets?.[id];
			return text === undefined ? undefined : Buffer.from(text);
		},
		...step.request,
	};
}

function describeEntry({header, content}: LayerEntry): string {
	const {type, mode, uid, gid, path, linkname, xattrs} = header;
	const link = linkname === undefined ? '' : ` -> ${linkname}`;
	const attributes = Object.entries(xattrs ?? {}).map(([name, value]) => ` ${name}=${Buffer.from(value).toString()}`);
	const text =
		content?.kind === 'file' && header.size < 100 ? ` = ${readFileSync(content.path, 'utf8').trimEnd()}` : '';
	return `${type} ${mode.toString(8)} ${uid}:${gid} /${path}${link}${attributes.join('')}${text}`;
}

export function entryOf(header: EntryHeader, text = ''): LayerEntry {
	if (text === '') return {header};
	return {header: {...header, size: text.length}, content: {kind: 'bytes', bytes: Buffer.from(text)}};
}

export function folder(path: string, owner = 0, mode = 0o755): EntryHeader {
	return {path, type: 'directory', mode, uid: owner, gid: owner, size: 0, mtime: 1000};
}

export function file(path: string, owner = 0, mode = 0o644): EntryHeader {
	return {path, type: 'file', mode, uid: owner, gid: owner, size: 0, mtime: 1000};
}

const busyboxPath = ['/usr/bin/busybox', '/bin/busybox'];
const applets = [
	...['cat', 'chmod', 'chown', 'cp', 'echo', 'env', 'grep', 'head', 'id', 'ln', 'ls', 'mkdir', 'mv', 'readlink', 'rm'],
	...['rmdir', 'sh', 'sleep', 'stat', 'touch', 'true', 'wc'],
];

/** A root whose only program is a statically linked busybox. */
function baseTree(base: 'busybox' | 'bare' | 'empty'): ImageTree {
	if (base === 'empty') return emptyTree;
	const path = busyboxPath.find(name => statSync(name, {throwIfNoEntry: false}) !== undefined) ?? '';
	const busybox: LayerEntry = {
		header: {...file('bin/busybox', 0, 0o755), size: statSync(path).size},
		content: {kind: 'file', path},
	};
	const links = applets.map(
		(name): LayerEntry => ({header: {...file(`bin/${name}`), type: 'symlink', mode: 0o777, linkname: 'busybox'}}),
	);
	const bare = [entryOf(folder('bin')), busybox, ...links];
	if (base === 'bare') return applyEntries(emptyTree, bare);
	return applyEntries(emptyTree, [
		...bare,
		entryOf(folder('etc')),
		entryOf(file('etc/group'), 'root:x:0:\napp:x:1000:\nextra:x:50:app\n'),
		entryOf(file('etc/passwd'), 'root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n'),
		entryOf(folder('home')),
		entryOf(folder('home/app', 1000)),
		entryOf(file('home/app/f', 1000), 'mine\n'),
		entryOf(folder('old')),
		entryOf(file('old/a'), 'a'),
		entryOf(file('old/b'), 'b'),
		entryOf(folder('tmp', 0, 0o1777)),
	]);
}

/** What bind mounts come from. */
const sourceTree = applyEntries(emptyTree, [
	entryOf(folder('src')),
	entryOf(file('src/input'), 'input\n'),
	entryOf({...file('src/link'), type: 'symlink', mode: 0o777, linkname: 'input'}),
]);
