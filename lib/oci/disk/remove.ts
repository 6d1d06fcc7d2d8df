import {spawn} from 'node:child_process';
import {chmodSync, lstatSync, readdirSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {systemCode} from '../../core/errors.js';
import {ioError} from '../../core/io-error.js';

/**
 * Removes a file or a whole tree, also one that an image or a command filled: with folders that have no write permission
 * and with paths longer than the kernel takes in one call. Nothing there is fine.
 * @throws SealError ERR_PERMISSION, ERR_IO
 */
export async function removeTree(path: string | Buffer): Promise<void> {
	try {
		await rm(path, {recursive: true, force: true});
		return;
	} catch (error) {
		if (systemCode(error) === 'EACCES') openFolders(Buffer.from(path));
		else if (systemCode(error) !== 'ENAMETOOLONG') throw ioError(error, 'remove', String(path));
	}
	// rm(1) goes down folder by folder, which has no limit on the length of a path.
	const code = await new Promise<number>(resolve => {
		const child = spawn('rm', ['-rf', '--', String(path)], {stdio: 'ignore'});
		child.on('error', () => resolve(-1));
		child.on('close', status => resolve(status ?? -1));
	});
	if (code === 0) return;
	await rm(path, {recursive: true, force: true}).catch((error: unknown) => {
		throw ioError(error, 'remove', String(path));
	});
}

/** Gives their owner access to all folders of a tree. */
function openFolders(path: Buffer): void {
	try {
		if (!lstatSync(path).isDirectory()) return;
		chmodSync(path, 0o700);
		for (const name of readdirSync(path, {encoding: 'buffer'}))
			openFolders(Buffer.concat([path, Buffer.from('/'), name]));
	} catch {
		// What cannot be opened is named by the removal that follows.
	}
}
