import {hasCode, SealError} from '../../core/errors.js';
import type {ImageArchive} from '../../oci/archive/archive.js';
import {openArchive} from '../../oci/archive/open.js';
import type {ImageSource} from '../../oci/content.js';
import {streamContents} from '../../oci/layer/content.js';
import {type ImageTree, lookup, resolvePath} from '../../oci/tree/tree.js';
import type {BuildSession} from '../build/session.js';
import type {FoundArchive} from '../discover/types.js';
import type {NamedSource} from './resolve-images.js';

/** The archives that `images/skopeo/tar.txt` names, each a source for its one image. They are read where the image has them. */
export async function archiveSources(
	session: BuildSession,
	tree: ImageTree,
	archives: readonly FoundArchive[],
): Promise<readonly NamedSource[]> {
	const opened = new Map<string, ImageArchive>();
	for (const {path} of archives) {
		if (!opened.has(path)) opened.set(path, await openInTree(session, tree, path));
	}
	return archives.map(({transport, path, name}) => ({
		name: `${transport}:${path}`,
		source: underName(opened.get(path) as ImageArchive),
		serves: wanted => wanted === name,
	}));
}

async function openInTree(session: BuildSession, tree: ImageTree, path: string): Promise<ImageArchive> {
	const node = lookup(tree, resolvePath(tree, path, {followLast: true}));
	const options = {...session.operation, tempDir: session.scratchDir, name: path};
	if (node?.content?.kind === 'file' && node.content.offset === undefined)
		return openArchive(node.content.path, options);
	if (node !== undefined) {
		for await (const {bytes} of streamContents([node], session.store, {
			...session.operation,
			verified: session.verified,
		}))
			return openArchive(bytes, options);
	}
	throw new SealError(
		'ERR_IMAGE_LIST',
		`images/skopeo/tar.txt names the archive ${path}, which the image does not hold`,
		{
			hint: 'Write the path of the archive from the root of the image.',
		},
	);
}

/** An archive with a single image serves it under the name the list gives, whatever the archive calls it. */
function underName(archive: ImageArchive): ImageSource {
	return {
		fetch: (descriptor, options) => archive.fetch(descriptor, options),
		exists: (descriptor, options) => archive.exists(descriptor, options),
		async resolve(reference, options) {
			try {
				return await archive.resolve(reference, options);
			} catch (error) {
				if (!hasCode(error, 'ERR_IMAGE_UNKNOWN')) throw error;
				return archive.resolve('', options);
			}
		},
	};
}
