import {constants, copyFile, lstat, unlink} from 'node:fs/promises';
import type {Abortable} from '../../../core/events.js';
import {ifExists, withIo} from '../../../core/io-error.js';
import {withLock} from '../../../core/lock.js';
import {type ProcessOwner, stateOf} from '../../../core/process-owner.js';
import {type DataFile, openDataFile} from './data-file.js';
import {unknownUpload, uploadBusy} from './errors.js';
import type {UploadFiles} from './files.js';

/**
 * Makes an upload that another process began ours. A file is only ever written by the process that made it, or by one that
 * knows that this process has ended: otherwise late bytes of a request that we cannot see could get into a blob that was
 * verified. So the bytes of a process that may still live are copied, and its own file is gone from the folder.
 * @throws SealError ERR_UPLOAD_UNKNOWN, ERR_UPLOAD_BUSY when the other process is just ending the upload
 */
export async function takeOver(
	files: UploadFiles,
	id: string,
	owner: ProcessOwner,
	options: Abortable,
): Promise<DataFile> {
	const take = async (): Promise<DataFile> => {
		const state = await files.read(id);
		if (state === undefined) throw unknownUpload(id);
		const life = stateOf(state.owner);
		if (life !== 'alive') await files.unseal(id);
		const file = life === 'dead' ? await openDataFile(files.dataPath(id), state.algorithm, options) : await copied();
		try {
			await files.replace(id, {...state, owner});
			return file;
		} catch (error) {
			await file.close();
			throw error;
		}

		async function copied(): Promise<DataFile> {
			const [from, beside] = [files.dataPath(id), files.besidePath(id)];
			try {
				const copy = async (): Promise<true> => {
					if (!(await lstat(from)).isFile()) throw unknownUpload(id);
					await copyFile(from, beside, constants.COPYFILE_FICLONE);
					return true;
				};
				if ((await withIo('copy', from, () => ifExists(copy))) === undefined) throw uploadBusy(id);
				const own = await openDataFile(beside, state!.algorithm, options);
				await files.putData(id, beside);
				return own;
			} catch (error) {
				await unlink(beside).catch(() => undefined);
				throw error;
			}
		}
	};
	return await withLock(files.lockPath(id), take, {what: `the upload ${id}`, signal: options.signal});
}
