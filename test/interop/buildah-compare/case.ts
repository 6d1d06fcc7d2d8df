import {execFileSync} from 'node:child_process';
import {
	chmodSync,
	copyFileSync,
	lchownSync,
	linkSync,
	lutimesSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';

/** One Sealfile and its context, built by buildah and by us. */
export interface BuildCase {
	/** Unique over all cases: the table of differences names cases by it. */
	readonly title: string;
	readonly sealfile: readonly string[];
	readonly context?: Context;
	readonly buildArgs?: Readonly<Record<string, string>>;
	readonly target?: string;
	readonly platform?: string;
	/** Served on loopback during the build; the build argument BASE holds its address. */
	readonly served?: Readonly<Record<string, string>>;
	/** Secrets by id, for `RUN --mount=type=secret`. */
	readonly secrets?: Readonly<Record<string, string>>;
	/** The Sealfile lies in the context and is a file of it; otherwise it lies beside. */
	readonly sealfileInContext?: true;
	/** Both tools must refuse it. */
	readonly refused?: true;
}

interface Attributes {
	readonly mode?: number;
	readonly uid?: number;
	readonly gid?: number;
	/** Seconds since the epoch. */
	readonly mtime?: number;
}

export type ContextEntry = Attributes &
	(
		| {readonly type: 'file'; readonly content: string | Uint8Array}
		/** A copy of a file of this machine, such as a static busybox. */
		| {readonly type: 'local'; readonly path: string}
		| {readonly type: 'directory'}
		| {readonly type: 'symlink'; readonly target: string}
		| {readonly type: 'hardlink'; readonly target: string}
		| {readonly type: 'fifo'}
		| {readonly type: 'archive'; readonly compression: string; readonly entries: Context}
	);

export type Context = Readonly<Record<string, ContextEntry>>;

/** The time of everything in a context that names no other: 2020-09-13. */
export const defaultTime = 1_600_000_000;

export const file = (content: string | Uint8Array = 'content\n', attributes: Attributes = {}): ContextEntry => ({
	type: 'file',
	content,
	...attributes,
});
export const directory = (attributes: Attributes = {}): ContextEntry => ({type: 'directory', ...attributes});
export const symlink = (target: string, attributes: Attributes = {}): ContextEntry => ({
	type: 'symlink',
	target,
	...attributes,
});
export const hardlink = (target: string): ContextEntry => ({type: 'hardlink', target});
export const fifo = (attributes: Attributes = {}): ContextEntry => ({type: 'fifo', ...attributes});
/** `compression` is a flag of GNU tar without its dashes; empty for none. */
export const archive = (compression: string, entries: Context): ContextEntry => ({
	type: 'archive',
	compression,
	entries,
});
export const busybox: ContextEntry = {type: 'local', path: '/bin/busybox', mode: 0o755};

/** Writes a context to the empty folder `root`, owners and times included. Needs root for owners other than its own. */
export function writeContext(root: string, context: Context): void {
	const entries = Object.entries(context);
	const directories = new Map<string, Attributes>([['', {}]]);
	for (const [path, entry] of entries) {
		for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
			if (!directories.has(parent)) directories.set(parent, {});
		}
		if (entry.type === 'directory') directories.set(path, entry);
	}
	for (const path of directories.keys()) mkdirSync(join(root, path), {recursive: true});
	for (const [path, entry] of entries) {
		if (entry.type === 'directory') continue;
		writeEntry(root, path, entry);
		if (entry.type !== 'hardlink') setAttributes(join(root, path), entry, entry.type === 'symlink' ? undefined : 0o644);
	}
	// Children first: writing into a folder changes its time.
	for (const path of [...directories.keys()].toSorted().toReversed()) {
		setAttributes(join(root, path), directories.get(path) ?? {}, 0o755);
	}
}

function writeEntry(root: string, path: string, entry: ContextEntry): void {
	const target = join(root, path);
	if (entry.type === 'file') writeFileSync(target, entry.content);
	else if (entry.type === 'local') copyFileSync(entry.path, target);
	else if (entry.type === 'symlink') symlinkSync(entry.target, target);
	else if (entry.type === 'hardlink') linkSync(join(root, entry.target), target);
	else if (entry.type === 'fifo') execFileSync('mkfifo', [target]);
	else if (entry.type === 'archive') writeFileSync(target, packArchive(entry.entries, entry.compression));
}

function packArchive(entries: Context, compression: string): Buffer {
	const work = mkdtempSync(join(tmpdir(), 'sealimage-archive-'));
	try {
		const tree = join(work, 'tree');
		mkdirSync(tree);
		writeContext(tree, entries);
		const flags = compression === '' ? [] : [`--${compression}`];
		const names = [...new Set(Object.keys(entries).map(path => path.split('/')[0] ?? path))].toSorted();
		execFileSync('tar', ['-cf', join(work, 'a.tar'), '--sort=name', ...flags, '-C', tree, ...names]);
		return readFileSync(join(work, 'a.tar'));
	} finally {
		rmSync(work, {recursive: true, force: true});
	}
}

function setAttributes(path: string, attributes: Attributes, mode: number | undefined): void {
	lchownSync(path, attributes.uid ?? 0, attributes.gid ?? 0);
	const bits = attributes.mode ?? mode;
	// After chown, which clears setuid.
	if (bits !== undefined) chmodSync(path, bits);
	// As a Date: Node takes a negative number for the present.
	const time = new Date((attributes.mtime ?? defaultTime) * 1000);
	lutimesSync(path, time, time);
}
