import {SealError} from '../../core/errors.js';
import {compareNames} from '../../core/name.js';
import type {Descriptor} from '../descriptor.js';
import type {EntryContent, EntryHeader, LayerEntry} from '../entry.js';
import type {IndexedEntry, LayerIndex} from '../layer/layer-index.js';
import {removalOf, whiteoutPrefix} from '../layer/whiteout.js';
import {type ImageTree, lookup, resolvePath, type TreeNode} from './node.js';

/**
 * The tree with one more layer on it (image-spec, layer.md, "Applying Changesets"): a directory over a directory
 * updates it, anything else replaces; whiteouts hide what lower layers have, wherever in the layer they stand. A path
 * that goes through a symlink is followed inside the image, as runtimes do when they unpack.
 * @throws SealError ERR_TAR_FORMAT for a hard link to nothing or to a directory and for a whiteout without a name,
 *   ERR_SYMLINK_LOOP
 */
export function applyLayer(tree: ImageTree, index: LayerIndex, layer: Descriptor): ImageTree {
	return apply(tree, index.entries, entry => contentOf(entry, layer));
}

/** As `applyLayer`, for entries whose contents are known by themselves. */
export function applyEntries(tree: ImageTree, entries: Iterable<LayerEntry>): ImageTree {
	return apply(tree, [...entries], entry => entry.content);
}

function contentOf(entry: IndexedEntry, layer: Descriptor): EntryContent | undefined {
	const {header, offset, sparse} = entry;
	if (header.type !== 'file' || header.size === 0) return undefined;
	return sparse === undefined ? {kind: 'layer', layer, offset} : {kind: 'layer', layer, offset, sparse};
}

function apply<T extends {readonly header: EntryHeader}>(
	tree: ImageTree,
	entries: readonly T[],
	content: (entry: T) => EntryContent | undefined,
): ImageTree {
	const draft = new Draft(tree);
	for (const {header} of entries) {
		if (header.path.includes(whiteoutPrefix)) draft.hide(header.path);
	}
	for (const entry of entries) {
		const {path} = entry.header;
		if (path.includes(whiteoutPrefix) && removalOf(path) !== undefined) continue;
		draft.put(entry.header, content(entry));
	}
	return draft.finish();
}

interface Folder extends TreeNode {
	header: EntryHeader;
	readonly children: Map<string, TreeNode>;
}

/**
 * A tree while it is being changed: directories are copied when they are first touched, so that the tree it came from
 * keeps its own, and each is copied once however many names it gets.
 */
class Draft {
	readonly #root: Folder;
	/** Directories made by this draft, whose names it may change. */
	readonly #own = new Set<TreeNode>();
	/** The directory of the last entry: the next one mostly lies in the same. */
	#lastPath: string | undefined;
	#lastFolder: Folder;

	constructor(tree: ImageTree) {
		this.#root = this.#copy(tree.root);
		this.#lastFolder = this.#root;
	}

	/** Applies a whiteout to what lower layers have. */
	hide(path: string): void {
		const removal = removalOf(path);
		if (removal === undefined) return;
		if (baseOf(path) === whiteoutPrefix)
			throw new SealError('ERR_TAR_FORMAT', `${path} is a whiteout that names nothing to remove`);
		const target = removal.kind === 'opaque' ? removal.folder : parentOf(removal.path);
		const folder = resolvePath({root: this.#root}, target);
		if (lookup({root: this.#root}, folder)?.children === undefined) return;
		this.#lastPath = undefined;
		const {children} = this.#folder(folder);
		if (removal.kind === 'opaque') children.clear();
		else children.delete(baseOf(removal.path));
	}

	put(header: EntryHeader, content: EntryContent | undefined): void {
		if (header.path === '') {
			this.#root.header = header;
			return;
		}
		const parent = this.#parent(header.path);
		const name = baseOf(header.path);
		const before = parent.children.get(name);
		const path = parent.header.path === '' ? name : `${parent.header.path}/${name}`;
		const placed = path === header.path ? header : {...header, path};
		if (header.type === 'directory') {
			if (before?.children !== undefined) this.#ownChild(parent, name, before).header = placed;
			else parent.children.set(name, this.#adopt({header: placed, children: new Map()}));
		} else {
			if (before?.children !== undefined) this.#lastPath = undefined;
			parent.children.set(name, header.type === 'hardlink' ? this.#link(placed) : leaf(placed, content));
		}
		if (before?.header.type === 'symlink') this.#lastPath = undefined;
	}

	finish(): ImageTree {
		for (const folder of this.#own) sortChildren((folder as Folder).children);
		return {root: this.#root};
	}

	#link(header: EntryHeader): TreeNode {
		const tree = {root: this.#root};
		const target = lookup(tree, resolvePath(tree, header.linkname ?? '', {followLast: false}));
		if (target === undefined || target.children !== undefined) {
			const found = target === undefined ? 'which is not in the image' : 'which is a directory';
			throw new SealError('ERR_TAR_FORMAT', `${header.path} is a hard link to ${header.linkname}, ${found}`);
		}
		return leaf({...target.header, path: header.path}, target.content);
	}

	#parent(path: string): Folder {
		const parent = parentOf(path);
		if (parent !== this.#lastPath) {
			this.#lastFolder = this.#folder(parent);
			this.#lastPath = parent;
		}
		return this.#lastFolder;
	}

	/** The directory at `path` as one that may be changed, made with what is missing above it. */
	#folder(path: string): Folder {
		let folder = this.#root;
		const names = path === '' ? [] : path.split('/');
		for (const [i, name] of names.entries()) {
			const node = folder.children.get(name);
			if (node?.header.type === 'symlink') {
				const at = `${folder.header.path}/${names.slice(i).join('/')}`;
				return this.#folder(resolvePath({root: this.#root}, at));
			}
			if (node?.children !== undefined) {
				folder = this.#ownChild(folder, name, node);
				continue;
			}
			const at = folder.header.path === '' ? name : `${folder.header.path}/${name}`;
			const made = this.#adopt({header: implicitFolder(at), children: new Map()});
			folder.children.set(name, made);
			folder = made;
		}
		return folder;
	}

	#ownChild(parent: Folder, name: string, node: TreeNode): Folder {
		if (this.#own.has(node)) return node as Folder;
		const copy = this.#copy(node);
		parent.children.set(name, copy);
		return copy;
	}

	#copy(node: TreeNode): Folder {
		return this.#adopt({header: node.header, children: new Map(node.children)});
	}

	#adopt(folder: Folder): Folder {
		this.#own.add(folder);
		return folder;
	}
}

function leaf(header: EntryHeader, content: EntryContent | undefined): TreeNode {
	return content === undefined ? {header} : {header, content};
}

/** A directory that no layer describes: what mkdir gives root. */
function implicitFolder(path: string): EntryHeader {
	return {path, type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0};
}

function parentOf(path: string): string {
	return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function baseOf(path: string): string {
	return path.slice(path.lastIndexOf('/') + 1);
}

function sortChildren(children: Map<string, TreeNode>): void {
	let last: string | undefined;
	let sorted = true;
	for (const name of children.keys()) {
		if (last !== undefined && compareNames(last, name) > 0) {
			sorted = false;
			break;
		}
		last = name;
	}
	if (sorted) return;
	const entries = [...children].sort(([a], [b]) => compareNames(a, b));
	children.clear();
	for (const [name, node] of entries) children.set(name, node);
}
