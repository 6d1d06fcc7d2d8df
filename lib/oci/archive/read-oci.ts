import {collect} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {FetchOptions} from '../content.js';
import type {Descriptor} from '../descriptor.js';
import {algorithmOf, type Digest, hexOf} from '../digest.js';
import {checkLayoutVersion, indexFile, layoutFile, namesOf, parseIndex} from '../store/layout.js';
import {missingContent, readFileRange, readFileVerified, wrongSize} from '../verify.js';
import {groupImages, type ImageArchive, resolveEntry} from './archive.js';
import type {TarFile, TarMember} from './tar-file.js';

/** Whether a tar is an OCI archive: an image layout in a tar. */
export function isOciArchive(tar: TarFile): boolean {
	return tar.members.has(layoutFile) && tar.members.has(indexFile);
}

/** The images of an OCI archive. @throws SealError ERR_LAYOUT_INVALID, ERR_STORE_DAMAGED */
export async function readOciArchive(tar: TarFile, name: string): Promise<ImageArchive> {
	checkLayoutVersion(await readMember(tar, layoutFile, name), name);
	const {manifests: entries} = parseIndex(await readMember(tar, indexFile, name), name);
	const memberOf = (digest: Digest): TarMember | undefined =>
		tar.members.get(`blobs/${algorithmOf(digest)}/${hexOf(digest)}`);
	return {
		images: async () => groupImages(entries, namesOf),
		resolve: async reference => resolveEntry(entries, reference, name),
		exists: async ({digest, size}) => memberOf(digest)?.size === size,
		async fetch(descriptor, options) {
			return readMemberVerified(tar, memberOf(descriptor.digest), descriptor, name, options);
		},
		close: tar.close,
	};
}

/** Content that lies in a tar as one member. */
export function readMemberVerified(
	tar: TarFile,
	member: TarMember | undefined,
	descriptor: Descriptor,
	name: string,
	options: FetchOptions = {},
): AsyncGenerator<Uint8Array> {
	options.signal?.throwIfAborted();
	if (member === undefined) throw missingContent(descriptor, name);
	if (member.size !== descriptor.size) {
		throw wrongSize(descriptor, name, member.size > descriptor.size ? 'longer' : 'shorter', member.size);
	}
	return readFileVerified(tar.path, descriptor, name, {...options, fileOffset: member.offset});
}

const maxDocumentBytes = 64 * 1024 * 1024;

/** The whole of a small member. @throws SealError ERR_LAYOUT_INVALID, ERR_CONTENT_SIZE */
export async function readMember(tar: TarFile, member: string, name: string): Promise<Buffer> {
	const found = tar.members.get(member);
	if (found === undefined) throw new SealError('ERR_LAYOUT_INVALID', `There is no ${member} in ${name}`);
	return await collect(readMemberBytes(tar, found), maxDocumentBytes, `${member} in ${name}`);
}

/** The bytes of a member, not verified: nothing says yet what they should be. */
export function readMemberBytes(tar: TarFile, member: TarMember): AsyncGenerator<Uint8Array> {
	return readFileRange(tar.path, member.offset, member.size);
}
