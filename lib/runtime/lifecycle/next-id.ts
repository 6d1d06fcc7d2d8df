import {randomBytes} from 'node:crypto';
import {mkdir, readFile, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {isClusterId} from '../state/names.js';

/** The id that a new cluster will get. A plan that was shown has it already, so it is kept until the cluster is begun. */
export interface NextId {
	readonly id: string;
	/** The same id next time. @throws SealError ERR_IO, ERR_PERMISSION, ERR_NO_SPACE */
	keep(): Promise<void>;
	/** It is used now. */
	forget(): Promise<void>;
}

/** @param folder where this operator keeps what it knows of the cluster @throws SealError ERR_IO, ERR_PERMISSION */
export async function readNextId(folder: string): Promise<NextId> {
	const path = join(folder, 'next-id');
	const kept = (await withIo('read', path, () => ifExists(() => readFile(path, 'utf8'))))?.trim() ?? '';
	const id = isClusterId(kept) ? kept : randomBytes(8).toString('hex');
	return {
		id,
		async keep() {
			if (id === kept) return;
			await withIo('make', folder, () => mkdir(folder, {recursive: true, mode: 0o700}));
			await writeFileAtomic(path, `${id}\n`, {mode: 0o600});
		},
		forget: () => withIo('remove', path, () => rm(path, {force: true})),
	};
}
