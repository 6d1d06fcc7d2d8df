import type {EntryHeader, LayerEntry} from '../../lib/oci/entry.js';
import type {ImageTree, TreeNode} from '../../lib/oci/tree/tree.js';

/** What differs from a 0644 (folders 0755, links 0777) entry of root from 2001; `text` is the content of a file. */
export type TreeEntry = Partial<Omit<EntryHeader, 'path'>> & {readonly text?: string};

/**
 * A tree from entries by path, parents made as needed; a string is a file's text, `-> x` a link to x, and a path that
 * ends with a slash a folder.
 */
export function imageTree(entries: Readonly<Record<string, TreeEntry | string>>): ImageTree {
	const root = folder('');
	for (const [path, entry] of Object.entries(entries)) {
		const names = path.split('/').filter(name => name !== '');
		const last = names.pop();
		let parent = root;
		for (const [depth, name] of names.entries()) {
			if (!parent.children.has(name)) parent.children.set(name, folder(names.slice(0, depth + 1).join('/')));
			parent = parent.children.get(name) as Folder;
		}
		if (last === undefined) continue;
		parent.children.set(last, nodeOf([...names, last].join('/'), entry, path.endsWith('/')));
	}
	return {root};
}

interface Folder extends TreeNode {
	readonly children: Map<string, TreeNode>;
}

const mtime = 1_000_000_000;

function folder(path: string, entry: Partial<EntryHeader> = {}): Folder {
	return {
		header: {path, type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime, ...entry},
		children: new Map(),
	};
}

function nodeOf(path: string, entry: TreeEntry | string, isFolder: boolean): TreeNode {
	if (typeof entry === 'string') {
		if (isFolder) return folder(path);
		if (entry.startsWith('-> ')) return nodeOf(path, {type: 'symlink', linkname: entry.slice(3)}, false);
		return nodeOf(path, {text: entry}, false);
	}
	const {text = '', ...rest} = entry;
	if (isFolder || rest.type === 'directory') return folder(path, rest);
	const bytes = Buffer.from(text);
	const mode = rest.type === 'symlink' ? 0o777 : 0o644;
	const header: EntryHeader = {path, type: 'file', mode, uid: 0, gid: 0, size: bytes.length, mtime, ...rest};
	return bytes.length === 0 ? {header} : {header, content: {kind: 'bytes', bytes}};
}

/**
 * Entries as short lines: `path type mode uid:gid`, then ` -> target` for links, ` = text` for contents at hand, and
 * ` @ file` for those on disk, below `root` if that is given.
 */
export function listEntries(entries: readonly LayerEntry[], root = ''): string[] {
	return entries.map(({content, header}) => {
		const {path, type, mode, uid, gid, linkname} = header;
		const link = linkname === undefined ? '' : ` -> ${linkname}`;
		const bytes = content?.kind === 'bytes' ? ` = ${Buffer.from(content.bytes).toString()}` : '';
		const file = content?.kind === 'file' ? ` @ ${content.path.slice(root === '' ? 0 : root.length + 1)}` : '';
		return `${path} ${type} ${mode.toString(8)} ${uid}:${gid}${link}${bytes}${file}`;
	});
}
