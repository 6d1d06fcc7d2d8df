import {closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, realpathSync} from 'node:fs';
import {SealError, systemCode} from '../../core/errors.js';
import {compareNames, decodeName, diskName} from '../../core/name.js';
import {type DiskNode, nodeOnDisk, type Watchers} from './disk-node.js';
import {compileExclusions, type Exclusions, noRule} from './exclusions.js';
import type {FileSource, SourceNode} from './file-source.js';
import type {IgnoreRules} from './ignore.js';
import {isSettled} from './settled.js';

/** Without `xattrs` there are no extended attributes; with it they are complete in what `surely` gives. */
export interface ContextOptions extends Watchers {
	readonly ignore?: IgnoreRules | undefined;
	/** For messages. Default "the build context". */
	readonly title?: string | undefined;
	/** Milliseconds since the epoch. Default: the system clock. */
	readonly now?: (() => number) | undefined;
}

/**
 * A folder on disk as a source. Nothing is kept open and nothing read but names and metadata.
 *
 * A name that is swapped for a link while we look must not lead outside. A folder whose last change is older than the
 * clock tick of file systems is looked at by path, and `surely` makes certain afterwards that no folder on the way changed
 * meanwhile. Any other folder is opened without following links, must still be the one (device and inode) that was seen
 * in its parent, and is looked at through that open folder, which takes half as long again. Contents are read later, by path and inode.
 * @throws SealError ERR_CONTEXT when it is missing or no folder; ERR_PATTERN
 */
export function openContext(dir: string, options: ContextOptions = {}): FileSource {
	const title = options.title ?? 'the build context';
	return createContextSource(
		contextRoot(dir),
		title,
		compileExclusions(options.ignore?.patterns ?? []),
		options,
		options.now ?? Date.now,
	);
}

interface Folder {
	readonly node: DiskNode;
	/** Of the exclusions, for what is in it. */
	readonly lastRule: number;
	/** It did not change right before it was seen, so that any change since shows in its time. */
	readonly settled: boolean;
}

function createContextSource(
	root: string,
	title: string,
	exclusions: Exclusions,
	watchers: Watchers,
	now: () => number,
): FileSource {
	/** Folders looked at by path since the last confirmation. */
	const unconfirmed = new Set<DiskNode>();
	let disturbances = 0;
	const folders = new Map<string, Folder | undefined>();
	const impliedFolders = new Map<string, boolean>();

	const source: FileSource = {
		title,
		keepsOwners: false,
		lookup(path) {
			if (path === '') return folderAt('')!.node;
			const cut = path.lastIndexOf('/');
			const parent = folderAt(cut === -1 ? '' : path.slice(0, cut));
			if (parent === undefined) return undefined;
			const node = within(parent, at => see(parent, path, `${at}/${path.slice(cut + 1)}`));
			return node?.implied === true && !holdsAnything(path) ? undefined : node;
		},
		list(path) {
			const nodes = entriesOf(path);
			return nodes.some(node => node.implied === true)
				? nodes.filter(node => node.implied !== true || holdsAnything(node.header.path))
				: nodes;
		},
		excludes: path => exclusions.excludesPath(path),
		async surely(look, options) {
			const result = await lookUndisturbed(look);
			if ((await watchers.xattrs?.settle(options)) !== true) return result;
			folders.clear();
			impliedFolders.clear();
			return await lookUndisturbed(look);
		},
	};

	async function lookUndisturbed<T>(look: () => Promise<T>): Promise<T> {
		const before = disturbances;
		const result = await look();
		if (!isUndisturbed()) disturbances++;
		// From the first disturbance on every folder is held open while it is looked at.
		return disturbances === before ? result : look();
	}

	/**
	 * No folder that was looked at by path has changed since it was first seen: then none of the names in it was moved or
	 * swapped, and from the root down every path led where it should.
	 */
	function isUndisturbed(): boolean {
		const looked = [...unconfirmed];
		unconfirmed.clear();
		return looked.every(node => {
			const found = lstatSync(diskName(pathOf(root, node)), {throwIfNoEntry: false});
			return found?.ino === node.ino && found.dev === node.dev && found.ctimeMs === node.ctimeMs;
		});
	}

	function folderOf(node: DiskNode, lastRule: number): Folder {
		return {node, lastRule, settled: isSettled(node.ctimeMs, now())};
	}

	/** One entry, by a path that goes through its open folder. */
	function see(parent: Folder, path: string, at: string): SourceNode | undefined {
		const lastRule = exclusions.lastRule(path, parent.lastRule);
		const excluded = exclusions.excludes(lastRule);
		if (excluded && !exclusions.mayReturnBelow(path, lastRule)) return undefined;
		const node = nodeOnDisk(path, at, `${root === '/' ? '' : root}/${path}`, watchers);
		if (node === undefined || node.header.type !== 'directory') return excluded ? undefined : node;
		folders.set(path, folderOf(node, lastRule));
		return excluded ? {...node, implied: true} : node;
	}

	function folderAt(path: string): Folder | undefined {
		if (!folders.has(path)) {
			if (path === '') {
				const node = nodeOnDisk('', root, root, watchers);
				folders.set('', node?.header.type === 'directory' ? folderOf(node, noRule) : undefined);
			} else {
				source.lookup(path);
			}
		}
		return folders.get(path);
	}

	/** Everything that is not excluded for good; implied folders may turn out to be empty. */
	function entriesOf(path: string): SourceNode[] {
		const folder = folderAt(path);
		if (folder === undefined) return [];
		const prefix = path === '' ? '' : `${path}/`;
		return within(folder, at => sortedNames(at).map(name => see(folder, prefix + name, `${at}/${name}`))).filter(
			node => node !== undefined,
		);
	}

	/** Whether an implied folder has something below it. Each folder is looked through once, however deep they are. */
	function holdsAnything(path: string): boolean {
		const pending = [{path, rest: knownOrLeft(path)}];
		while (pending.length > 0) {
			const {path: current, rest} = pending.at(-1)!;
			const next = rest === true ? rest : rest.pop();
			if (next === undefined) {
				impliedFolders.set(current, false);
				pending.pop();
			} else if (next !== true && next.implied === true) {
				pending.push({path: next.header.path, rest: knownOrLeft(next.header.path)});
			} else {
				for (const folder of pending) impliedFolders.set(folder.path, true);
				return true;
			}
		}
		return false;
	}

	function knownOrLeft(path: string): true | SourceNode[] {
		const known = impliedFolders.get(path);
		return known === undefined ? entriesOf(path) : known || [];
	}

	function within<T>(folder: Folder, look: (at: string) => T): T {
		if (!folder.settled || disturbances > 0) return throughFolder(root, folder.node, title, look);
		unconfirmed.add(folder.node);
		return byPath(pathOf(root, folder.node), title, look);
	}

	if (folderAt('') === undefined) throw missing(root);
	return source;
}

function pathOf(root: string, {header}: DiskNode): string {
	return header.path === '' ? root : `${root === '/' ? '' : root}/${header.path}`;
}

/** Looks at a folder by its path; whether that led there is confirmed later. */
function byPath<T>(path: string, title: string, look: (at: string) => T): T {
	try {
		return look(path === '/' ? '' : path);
	} catch (error) {
		throw lookError(error, path, title);
	}
}

/** Opens a folder, makes sure it is the one that was seen, and looks at it by a path that cannot be redirected. */
function throughFolder<T>(root: string, node: DiskNode, title: string, look: (at: string) => T): T {
	const path = pathOf(root, node);
	let descriptor: number | undefined;
	try {
		descriptor = openSync(diskName(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
		const now = fstatSync(descriptor);
		if (now.dev !== node.dev || now.ino !== node.ino) throw swapped(path, title);
		return look(process.platform === 'linux' ? `/proc/self/fd/${descriptor}` : path);
	} catch (error) {
		throw lookError(error, path, title);
	} finally {
		if (descriptor !== undefined) closeSync(descriptor);
	}
}

function lookError(error: unknown, path: string, title: string): unknown {
	const code = systemCode(error);
	if (code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENOENT') return swapped(path, title);
	if (code === 'EACCES' || code === 'EPERM') return unreadableFolder(path, title, error);
	return error;
}

function contextRoot(dir: string): string {
	try {
		return realpathSync(dir);
	} catch (error) {
		throw missing(dir, error);
	}
}

function missing(dir: string, cause?: unknown): SealError {
	return new SealError('ERR_CONTEXT', `${JSON.stringify(dir)} is no folder that can be read`, {
		hint: 'Name an existing folder as the build context.',
		details: {dir},
		cause,
	});
}

function swapped(path: string, title: string): SealError {
	return new SealError('ERR_CONTEXT', `${JSON.stringify(path)} of ${title} changed while it was looked at`, {
		hint: 'Build again when nothing writes to the folder.',
		details: {path},
	});
}

function unreadableFolder(path: string, title: string, cause: unknown): SealError {
	return new SealError('ERR_PERMISSION', `Cannot read the folder ${JSON.stringify(path)} of ${title}`, {
		hint: 'Make it readable, or name it in the ignore file.',
		details: {path},
		cause,
	});
}

/** Latin-1 gives each byte as a character, so that only names beyond ASCII cost a second look. */
function sortedNames(at: string): string[] {
	const names = readdirSync(diskName(at), 'latin1');
	if (names.every(name => !/[^\0-\x7f]/.test(name))) return names.sort();
	return names.map(name => decodeName(Buffer.from(name, 'latin1'))).sort(compareNames);
}
