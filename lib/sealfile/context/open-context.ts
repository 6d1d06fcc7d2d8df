import {closeSync, constants, fstatSync, openSync, readdirSync, realpathSync} from 'node:fs';
import {SealError, systemCode} from '../../core/errors.js';
import {compareNames, decodeName, diskName} from '../../core/name.js';
import type {XattrTable} from './context-xattrs.js';
import {type DiskNode, nodeOnDisk} from './disk-node.js';
import {compileExclusions, type Exclusions, noRule} from './exclusions.js';
import type {FileSource, SourceNode} from './file-source.js';
import type {IgnoreRules} from './ignore.js';

export interface ContextOptions {
	readonly ignore?: IgnoreRules | undefined;
	/** Extended attributes as `readContextXattrs` found them; without it there are none. */
	readonly xattrs?: XattrTable | undefined;
	/** For messages. Default "the build context". */
	readonly title?: string | undefined;
}

/**
 * A folder on disk as a source. Nothing is kept open and nothing read but names and metadata.
 *
 * Each folder is opened without following links and must still be the one (device and inode) that was seen in its
 * parent, and its entries are looked at through that open folder: a name swapped for a link in between is noticed
 * (ERR_CONTEXT) instead of followed. Contents are read later, by path and inode. Where there is no /proc, entries are looked at by path.
 * @throws SealError ERR_CONTEXT when it is missing or no folder; ERR_PATTERN
 */
export function openContext(dir: string, options: ContextOptions = {}): FileSource {
	const title = options.title ?? 'the build context';
	return createContextSource(
		contextRoot(dir),
		title,
		compileExclusions(options.ignore?.patterns ?? []),
		options.xattrs,
	);
}

interface Folder {
	readonly node: DiskNode;
	/** Of the exclusions, for what is in it. */
	readonly lastRule: number;
}

function createContextSource(
	root: string,
	title: string,
	exclusions: Exclusions,
	xattrs: XattrTable | undefined,
): FileSource {
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
	};

	/** One entry, by a path that goes through its open folder. */
	function see(parent: Folder, path: string, at: string): SourceNode | undefined {
		const lastRule = exclusions.lastRule(path, parent.lastRule);
		const excluded = exclusions.excludes(lastRule);
		if (excluded && !exclusions.mayReturnBelow(path, lastRule)) return undefined;
		const node = nodeOnDisk(path, at, `${root === '/' ? '' : root}/${path}`, xattrs);
		if (node === undefined || node.header.type !== 'directory') return excluded ? undefined : node;
		folders.set(path, {node, lastRule});
		return excluded ? {...node, implied: true} : node;
	}

	function folderAt(path: string): Folder | undefined {
		if (!folders.has(path)) {
			if (path === '') {
				const node = nodeOnDisk('', root, root, xattrs);
				folders.set('', node?.header.type === 'directory' ? {node, lastRule: noRule} : undefined);
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
		return throughFolder(root, folder.node, title, look);
	}

	if (folderAt('') === undefined) throw missing(root);
	return source;
}

/** Opens a folder, makes sure it is the one that was seen, and looks at it by a path that cannot be redirected. */
function throughFolder<T>(root: string, node: DiskNode, title: string, look: (at: string) => T): T {
	const path = node.header.path === '' ? root : `${root === '/' ? '' : root}/${node.header.path}`;
	let descriptor: number | undefined;
	try {
		descriptor = openSync(diskName(path), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
		const now = fstatSync(descriptor, {bigint: true});
		if (now.dev !== node.dev || now.ino !== node.ino) throw swapped(path, title);
		return look(process.platform === 'linux' ? `/proc/self/fd/${descriptor}` : path);
	} catch (error) {
		const code = systemCode(error);
		if (code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENOENT') throw swapped(path, title);
		if (code === 'EACCES' || code === 'EPERM') throw unreadableFolder(path, title, error);
		throw error;
	} finally {
		if (descriptor !== undefined) closeSync(descriptor);
	}
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
