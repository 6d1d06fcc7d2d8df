import type {Dirent} from 'node:fs';
import {readdir} from 'node:fs/promises';
import {withIo} from '../../../core/io-error.js';
import {isAbsent} from './files.js';

/** The folders in a folder, none when it is not there. Links to folders are not followed. */
export async function foldersIn(path: string): Promise<readonly Dirent[]> {
	return await withIo('list', path, async () => {
		try {
			return (await readdir(path, {withFileTypes: true})).filter(entry => entry.isDirectory());
		} catch (error) {
			if (isAbsent(error)) return [];
			throw error;
		}
	});
}
