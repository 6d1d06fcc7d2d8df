import {chmodSync, utimesSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {emptyTree, type ImageTree} from '../../lib/oci/tree/tree.js';
import {openContext} from '../../lib/sealfile/context/open-context.js';
import {treeSource} from '../../lib/sealfile/context/tree-source.js';
import {resolveCopy} from '../../lib/sealfile/copy/resolve-copy.js';
import type {CopyOptions, CopyRequest, CopyResult} from '../../lib/sealfile/copy/types.js';
import {imageTree, listEntries, type TreeEntry} from './image-tree.js';
import {type FileTree, tempDir, writeFiles} from './temp-dir.js';

/** A COPY from a context on disk to a tree. */
export interface CopyCase {
	readonly context?: FileTree;
	/** The destination. */
	readonly image?: Readonly<Record<string, TreeEntry | string>>;
	readonly request: Partial<CopyRequest> & {readonly destination: string};
	readonly ignore?: readonly string[];
	readonly options?: CopyOptions;
}

/** Carries a case out; files of the context are from second 1000. */
export async function copy(
	t: ExecutionContext,
	{context = {}, image = {}, request, ignore, options}: CopyCase,
): Promise<CopyResult> {
	const dir = tempDir(t);
	chmodSync(dir, 0o755);
	writeFiles(dir, context);
	for (const path of Object.keys(context))
		if (!context[path]?.startsWith('-> ')) utimesSync(join(dir, path), 1000, 1000);
	const source = openContext(dir, ignore === undefined ? {} : {ignore: {patterns: ignore, files: []}});
	return resolveCopy({sources: ['.'], ...request}, source, imageTree(image), options);
}

/** From one tree to another, contents shown as text. */
export async function copyFrom(
	files: Readonly<Record<string, TreeEntry | string>>,
	request: CopyRequest,
	image: ImageTree = emptyTree,
	options: CopyOptions = {},
): Promise<string[]> {
	return listEntries((await resolveCopy(request, treeSource(imageTree(files), 'stage base'), image, options)).entries);
}

export const names = (result: CopyResult): string[] => result.entries.map(({header}) => header.path);

/** Title, case, the paths of the layer. */
export const naming = test.macro<[CopyCase, readonly string[]]>({
	async exec(t, given, expected) {
		t.deepEqual(names(await copy(t, given)), expected);
	},
	title: title => title ?? '',
});

/** Title, case, code, message. */
export const refusing = test.macro<[CopyCase, string, RegExp?]>({
	async exec(t, given, code, message) {
		await t.throwsAsync(copy(t, given), {code, ...(message === undefined ? {} : {message})});
	},
	title: title => title ?? '',
});

/** A small context. */
export const ab = {a: '1', 'dir/b': '2', 'dir/sub/c': '3'};
