import {SealError} from '../../core/errors.js';
import {compareNames} from '../../core/name.js';
import type {EntryContent, EntryHeader} from '../../oci/entry.js';
import {opaque} from '../../oci/layer/write.js';
import {type ImageTree, lookup, type TreeNode} from '../../oci/tree/tree.js';
import type {StatIdentity} from '../context/file-source.js';
import {followLinks, linkText} from '../context/links.js';
import type {CopiedEntry, CopyWarning} from './types.js';

/** An entry on its way into the layer. */
export interface StagedEntry {
	readonly header: EntryHeader;
	readonly content?: EntryContent | undefined;
	readonly identity?: StatIdentity | undefined;
	readonly linkKey?: string | object | undefined;
}

/** What directories are given that are made on the way to a destination. */
export interface DirectoryStyle {
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	readonly mtime: number;
}

/** The layer that an instruction makes, seen together with the tree below it. */
export interface Staging {
	/** The header at exactly this path, or undefined. */
	at(path: string): EntryHeader | undefined;
	/** The entry at exactly this path, ready to be put under another name as a hard link of it. */
	entryAt(path: string): StagedEntry | undefined;
	/** Where the path leads, links of the tree and of the layer followed. */
	follow(path: string, options?: {readonly followLast?: boolean}): string;
	/**
	 * Puts an entry where `header.path` says; its folder must be there. A later entry takes the place of an earlier
	 * one; a folder and something else at one path is a conflict, but for links in a copy, and anything in an archive.
	 * @throws SealError ERR_COPY_CONFLICT, ERR_LAYER_ENTRY
	 */
	put(entry: StagedEntry, options?: {readonly replace?: boolean}): void;
	/**
	 * Makes a folder and those above it where they are missing.
	 * @throws SealError ERR_COPY_CONFLICT
	 */
	makeDirectory(path: string, style: DirectoryStyle): void;
	/** The entries of the layer: sorted, the names of one file made hard links of the first. */
	entries(): CopiedEntry[];
	readonly warnings: CopyWarning[];
}

export function createStaging(tree: ImageTree): Staging {
	const staged = new Map<string, Staged>();
	/** Where a directory gave way to something else, and when: what was below it by then is not there any more. */
	const replaced = new Map<string, number>();
	const treeAt = createTreeReader(tree);
	const warnings: CopyWarning[] = [];
	let moment = 0;

	/** Entries of the tree were there before everything else. */
	const isAlive = (path: string, since: number): boolean => {
		if (replaced.size === 0) return true;
		for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
			if ((replaced.get(path.slice(0, end)) ?? -1) >= since) return false;
		}
		return since > 0 || !replaced.has(path);
	};

	const staging: Staging = {
		warnings,
		at: path => staging.entryAt(path)?.header,
		entryAt(path) {
			const own = staged.get(path);
			if (own !== undefined && isAlive(path, own.since)) return own.entry;
			const node = treeAt(path);
			if (node === undefined || !isAlive(path, 0)) return undefined;
			return node.content === undefined ? node : {...node, linkKey: node.content};
		},
		follow: (path, options) => followLinks(path, at => linkText(staging.at(at)), options),
		put(entry, options = {}) {
			const {path, type} = entry.header;
			refuseName(path);
			const present = staging.at(path);
			moment++;
			if (present !== undefined && (present.type === 'directory') !== (type === 'directory')) {
				if (options.replace !== true) admitReplacement(present, entry.header);
				if (present.type === 'directory') replaced.set(path, moment);
			}
			staged.set(path, {entry, since: moment});
		},
		makeDirectory(path, style) {
			const missing: string[] = [];
			for (let at = path; ; at = parentOf(at)) {
				const present = staging.at(at);
				if (present?.type === 'directory') break;
				if (present !== undefined) throw conflict(at, 'a folder is needed there', present.type);
				missing.push(at);
			}
			for (const at of missing.reverse()) staging.put({header: {path: at, type: 'directory', size: 0, ...style}});
		},
		entries() {
			const alive = [...staged.values()].filter(({entry, since}) => isAlive(entry.header.path, since));
			const hides = (path: string): boolean => replaced.has(path) && treeAt(path)?.header.type === 'directory';
			return finish(
				alive.map(({entry}) => entry),
				hides,
			);
		},
	};

	function admitReplacement(present: EntryHeader, next: EntryHeader): void {
		if (present.type !== 'symlink' && next.type !== 'symlink') {
			throw conflict(next.path, `a ${next.type} goes there`, present.type);
		}
		warnings.push({
			code: 'CopyReplacesLink',
			message: `The ${present.type} /${next.path} is replaced by a ${next.type}`,
			hint: 'Copy to where the link leads if it should stay.',
		});
	}

	return staging;
}

interface Staged {
	readonly entry: StagedEntry;
	readonly since: number;
}

/** Looks nodes up; one after the other mostly lies in the same folder. */
function createTreeReader(tree: ImageTree): (path: string) => TreeNode | undefined {
	let folder: string | undefined;
	let children: TreeNode['children'];
	return path => {
		if (path === '') return tree.root;
		const cut = path.lastIndexOf('/');
		const parent = cut === -1 ? '' : path.slice(0, cut);
		if (parent !== folder) {
			folder = parent;
			children = lookup(tree, parent)?.children;
		}
		return children?.get(path.slice(cut + 1));
	};
}

/** @param hides whether the tree has things below this directory that are not to be seen any more */
function finish(staged: readonly StagedEntry[], hides: (path: string) => boolean): CopiedEntry[] {
	const sorted = staged.toSorted((a, b) => compareNames(a.header.path, b.header.path));
	const firstNames = new Map<string | object, string>();
	const entries: CopiedEntry[] = [];
	const opaques: CopiedEntry[] = [];
	for (const {header, content, identity, linkKey} of sorted) {
		const first = linkKey === undefined ? undefined : firstNames.get(linkKey);
		if (first !== undefined) {
			entries.push({header: {...header, type: 'hardlink', size: 0, linkname: first}});
			continue;
		}
		if (linkKey !== undefined) firstNames.set(linkKey, header.path);
		if (content === undefined) entries.push(identity === undefined ? {header} : {header, identity});
		else entries.push(identity === undefined ? {header, content} : {header, content, identity});
		if (header.type === 'directory' && hides(header.path)) opaques.push(opaque(header.path, header.mtime));
	}
	if (opaques.length === 0) return entries;
	return [...entries, ...opaques].sort((a, b) => compareNames(a.header.path, b.header.path));
}

/** The path of the folder that a path is in; '' for the root, which is in itself. */
export function parentOf(path: string): string {
	return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** What Linux takes for a path; keeps hostile archives from costing time with longer ones. */
const limitPathLength = 4096;

function refuseName(path: string): void {
	if (path.length > limitPathLength) {
		throw new SealError('ERR_LAYER_ENTRY', `A path of ${path.length} characters cannot be put in a layer`, {
			details: {path: `${path.slice(0, 200)}...`},
		});
	}
	const name = path.slice(path.lastIndexOf('/') + 1);
	// In a layer such a name would remove a file of the layers below.
	if (!name.startsWith('.wh.')) return;
	throw new SealError(
		'ERR_LAYER_ENTRY',
		`${JSON.stringify(path)} cannot be put in a layer: names with .wh. in front mean removal there`,
		{
			hint: 'Rename the file, or name it in the ignore file.',
			details: {path},
		},
	);
}

function conflict(path: string, wanted: string, present: string): SealError {
	return new SealError(
		'ERR_COPY_CONFLICT',
		`Cannot copy to ${JSON.stringify(`/${path}`)}: ${wanted}, but it is a ${present}`,
		{
			hint: 'Copy to another path, or end a folder that is meant with a slash.',
			details: {path, present},
		},
	);
}
