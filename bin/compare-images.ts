import type {Digest} from '../lib/oci/digest.js';
import {createDigester} from '../lib/oci/digest.js';
import type {Image} from '../lib/oci/image.js';
import {streamContents} from '../lib/oci/layer/content.js';
import type {Store} from '../lib/oci/store/store.js';
import {diffTrees, type TreeDiff, type TreeNode} from '../lib/oci/tree/tree.js';
import type {Context} from './context.js';
import {imageTree} from './image-tree.js';

/**
 * What differs between the files of two images as a person means it. Files that only lie in another layer now are read
 * and compared; a folder that only got another time because its content changed is no difference.
 */
export async function compareImages(store: Store, before: Image, after: Image, context: Context): Promise<TreeDiff> {
	const diff = diffTrees(await imageTree(store, before, context), await imageTree(store, after, context));
	const doubtful = diff.changed.filter(
		pair => sameFacts(pair, pair.before.header.type === 'directory') && pair.before.content !== undefined,
	);
	const left = await digestsOf(
		doubtful.map(pair => pair.before),
		store,
		context,
	);
	const right = await digestsOf(
		doubtful.map(pair => pair.after),
		store,
		context,
	);
	const equal = new Set(doubtful.filter(pair => left.get(pair.before) === right.get(pair.after)));
	const changed = diff.changed.filter(
		pair => !equal.has(pair) && !(pair.before.header.type === 'directory' && sameFacts(pair, true)),
	);
	return {...diff, changed};
}

/** Everything but the content is the same; times count for files only. */
function sameFacts(
	{before: {header: a}, after: {header: b}}: {before: TreeNode; after: TreeNode},
	anyTime: boolean,
): boolean {
	return (
		a.type === b.type &&
		a.mode === b.mode &&
		a.uid === b.uid &&
		a.gid === b.gid &&
		a.size === b.size &&
		a.linkname === b.linkname &&
		(anyTime || (a.mtime === b.mtime && (a.mtimeNsec ?? 0) === (b.mtimeNsec ?? 0))) &&
		attributes(a.xattrs) === attributes(b.xattrs)
	);
}

function attributes(xattrs: TreeNode['header']['xattrs'] = {}): string {
	return Object.keys(xattrs)
		.toSorted()
		.map(name => `${name}=${Buffer.from(xattrs[name]!).toString('hex')}`)
		.join('\n');
}

async function digestsOf(
	nodes: readonly TreeNode[],
	store: Store,
	{signal}: Context,
): Promise<ReadonlyMap<TreeNode, Digest>> {
	const digests = new Map<TreeNode, Digest>();
	for await (const {entry, bytes} of streamContents(nodes, store, {signal})) {
		const digester = createDigester();
		for await (const chunk of bytes) digester.update(chunk);
		digests.set(entry, digester.finish());
	}
	return digests;
}
