import type {Bytes} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {ImageArchive} from './archive.js';
import {isDockerArchive, readDockerArchive} from './read-docker.js';
import {isOciArchive, readOciArchive} from './read-oci.js';
import {openTarFile, type TarFile, type TarFileOptions} from './tar-file.js';

export interface ArchiveOptions extends TarFileOptions {
	/** What to call it in messages; default its path, or "the stream". */
	readonly name?: string;
}

/**
 * Opens an archive of images, OCI or docker, told by its content; compressed ones and streams are spooled to `tempDir`.
 * What `docker save` writes today is both: it is read as OCI, which keeps the digests.
 * @throws SealError ERR_LAYOUT_INVALID, ERR_STORE_DAMAGED, ERR_MANIFEST_INVALID, and as `openTarFile`
 */
export async function openArchive(from: string | Bytes, options: ArchiveOptions): Promise<ImageArchive> {
	return await openAs(from, options, async (tar, name) => {
		if (isOciArchive(tar)) return await readOciArchive(tar, name);
		if (isDockerArchive(tar)) return await readDockerArchive(tar, name, options);
		throw new SealError(
			'ERR_LAYOUT_INVALID',
			`${name} is no image archive: it holds neither index.json nor manifest.json`,
			{
				hint: 'Make one with "sealimage save" or "docker save".',
			},
		);
	});
}

/** Opens an OCI archive. @throws SealError as `openArchive` */
export async function openOciArchive(from: string | Bytes, options: ArchiveOptions): Promise<ImageArchive> {
	return await openAs(from, options, readOciArchive);
}

/** Opens a docker archive, also one that is an OCI archive at the same time. @throws SealError as `openArchive` */
export async function openDockerArchive(from: string | Bytes, options: ArchiveOptions): Promise<ImageArchive> {
	return await openAs(from, options, (tar, name) => readDockerArchive(tar, name, options));
}

async function openAs(
	from: string | Bytes,
	options: ArchiveOptions,
	read: (tar: TarFile, name: string) => Promise<ImageArchive>,
): Promise<ImageArchive> {
	const name = options.name ?? (typeof from === 'string' ? from : 'the stream');
	const tar = await openTarFile(from, options);
	try {
		return await read(tar, name);
	} catch (error) {
		await tar.close();
		throw error;
	}
}
