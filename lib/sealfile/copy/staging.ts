import {SealError} from '../../core/errors.js';
import {compareNames} from '../../core/name.js';
import type {EntryContent, EntryHeader} from '../../oci/entry.js';
import {opaque} from '../../oci/layer-write.js';
import {type ImageTree, lookup} from '../../oci/tree.js';
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
	const staged = new Map<string, StagedEntry>();
	/** Paths where a directory of the tree gave way: nothing below them is there any more. */
	const gone = new Set<string>();
	const warnings: CopyWarning[] = [];

	const staging: Staging = {
		warnings,
		at(path) {
			const own = staged.get(path);
			if (own !== undefined) return own.header;
			return gone.size > 0 && isGone(path) ? undefined : lookup(tree, path)?.header;
		},
		entryAt(path) {
			const own = staged.get(path);
			if (own !== undefined) return own;
			const node = gone.size > 0 && isGone(path) ? undefined : lookup(tree, path);
			return node === undefined ? undefined : {header: node.header, content: node.content, linkKey: node.content};
		},
		follow: (path, options) => followLinks(path, at => linkText(staging.at(at)), options),
		put(entry, options = {}) {
			const {path, type} = entry.header;
			refuseWhiteout(path);
			const present = staging.at(path);
			if (present !== undefined && (present.type === 'directory') !== (type === 'directory')) {
				if (options.replace !== true) admitReplacement(present, entry.header);
				if (present.type === 'directory') removeBelow(path);
			}
			staged.set(path, entry);
		},
		makeDirectory(path, style) {
			const present = staging.at(path);
			if (present?.type === 'directory') return;
			if (present !== undefined) throw conflict(path, 'a folder is needed there', present.type);
			const cut = path.lastIndexOf('/');
			staging.makeDirectory(cut === -1 ? '' : path.slice(0, cut), style);
			staging.put({header: {path, type: 'directory', size: 0, ...style}});
		},
		entries: () => finish(staged, gone),
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

	function removeBelow(path: string): void {
		if (staged.get(path)?.header.type === 'directory') {
			for (const key of [...staged.keys()]) if (key.startsWith(`${path}/`)) staged.delete(key);
		}
		if (!isGone(path) && lookup(tree, path)?.header.type === 'directory') gone.add(path);
	}

	function isGone(path: string): boolean {
		for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
			if (gone.has(path.slice(0, end))) return true;
		}
		return gone.has(path);
	}

	return staging;
}

function finish(staged: ReadonlyMap<string, StagedEntry>, gone: ReadonlySet<string>): CopiedEntry[] {
	const paths = [...staged.keys()].sort(compareNames);
	const firstNames = new Map<string | object, string>();
	const entries: CopiedEntry[] = [];
	let hidden = 0;
	for (const path of paths) {
		const {header, content, identity, linkKey} = staged.get(path)!;
		const first = linkKey === undefined ? undefined : firstNames.get(linkKey);
		if (first !== undefined) {
			entries.push({header: {...header, type: 'hardlink', size: 0, linkname: first}});
			continue;
		}
		if (linkKey !== undefined) firstNames.set(linkKey, path);
		entries.push({
			header,
			...(content === undefined ? undefined : {content}),
			...(identity === undefined ? undefined : {identity}),
		});
		if (header.type === 'directory' && gone.has(path)) {
			entries.push(opaque(path, header.mtime));
			hidden++;
		}
	}
	return hidden === 0 ? entries : entries.sort((a, b) => compareNames(a.header.path, b.header.path));
}

/** In a layer such a name would remove a file of the layers below. */
function refuseWhiteout(path: string): void {
	const name = path.slice(path.lastIndexOf('/') + 1);
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
