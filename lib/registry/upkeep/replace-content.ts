import {chmod, mkdir, open, rename, unlink} from 'node:fs/promises';
import {dirname} from 'node:path';
import {syncFolder} from '../../core/atomic-file.js';
import type {Bytes} from '../../core/bytes.js';
import type {Abortable} from '../../core/events.js';
import {createFileWriter} from '../../core/file-writer.js';
import {withIo} from '../../core/io-error.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {verified} from '../../oci/verify.js';

/**
 * Exchanges the file at `path` for verified content in one step: readers have the old bytes or the new.
 * @param beside a path on the same file system for what is not whole yet
 * @throws SealError ERR_CONTENT_DIGEST, ERR_CONTENT_SIZE, ERR_NO_SPACE; the file is then as it was
 */
export async function replaceContent(
	path: string,
	beside: string,
	descriptor: Descriptor,
	bytes: Bytes,
	options: Abortable & {readonly mode: number},
): Promise<void> {
	try {
		await withIo('write', beside, async () => {
			await mkdir(dirname(beside), {recursive: true});
			const file = await open(beside, 'wx', 0o644);
			try {
				const target = createFileWriter(file);
				for await (const chunk of verified(bytes, descriptor, 'what was fetched', options)) await target.write(chunk);
				await target.flush();
				await file.datasync();
			} finally {
				await file.close();
			}
			await chmod(beside, options.mode);
		});
		await withIo('store', path, async () => {
			await mkdir(dirname(path), {recursive: true});
			await rename(beside, path);
			await syncFolder(dirname(path));
		});
	} catch (error) {
		await unlink(beside).catch(() => undefined);
		throw error;
	}
}
