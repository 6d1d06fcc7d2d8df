import {constants} from 'node:fs';
import {open} from 'node:fs/promises';
import {join} from 'node:path';
import {SealError, systemCode} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {maxFileBytes} from './read-source.js';

/** The names looked for in a context, in this order. */
export const sealfileNames = ['Sealfile', 'Kubefile', 'Dockerfile', 'Containerfile'] as const;

export interface LocatedSealfile {
	/** The path that was read, for messages. */
	readonly file: string;
	readonly bytes: Uint8Array;
}

/**
 * Reads the Sealfile of a context: `file` when given (relative paths are the caller's to resolve), else the first of
 * `sealfileNames` in `context`.
 * @throws SealError ERR_SEALFILE_MISSING when there is none, it is no file, it is too large or it cannot be read
 */
export async function locateSealfile(
	context: string,
	file?: string,
	options: Abortable = {},
): Promise<LocatedSealfile> {
	options.signal?.throwIfAborted();
	if (file !== undefined) {
		const bytes = await readIfPresent(file);
		if (bytes !== undefined) return {file, bytes};
		throw new SealError('ERR_SEALFILE_MISSING', `Sealfile ${file} does not exist`, {
			hint: 'Check the path given with -f; it is not looked for in the context.',
			details: {file},
		});
	}
	for (const name of sealfileNames) {
		options.signal?.throwIfAborted();
		const path = join(context, name);
		const bytes = await readIfPresent(path);
		if (bytes !== undefined) return {file: path, bytes};
	}
	throw new SealError('ERR_SEALFILE_MISSING', `No Sealfile in ${context}`, {
		hint: `Create one, or name it with -f; looked for ${sealfileNames.join(', ')}.`,
		details: {context, names: sealfileNames},
	});
}

async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
	let handle: Awaited<ReturnType<typeof open>> | undefined;
	try {
		// A pipe without a writer would block a plain open for ever.
		handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
		const status = await handle.stat();
		if (!status.isFile()) throw unreadable(path, 'is not a file', 'Name a text file with -f.');
		// One byte more than allowed, so that a file that grows while it is read is noticed as well.
		const buffer = Buffer.alloc(Math.min(status.size, maxFileBytes) + 1);
		let length = 0;
		for (;;) {
			const {bytesRead} = await handle.read(buffer, length, buffer.length - length, length);
			length += bytesRead;
			if (bytesRead === 0 || length === buffer.length) break;
		}
		if (length > maxFileBytes) {
			throw unreadable(path, `is larger than ${maxFileBytes} bytes`, 'Check that this is a Sealfile.');
		}
		return buffer.subarray(0, length);
	} catch (error) {
		const code = systemCode(error);
		if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
		if (error instanceof SealError) throw error;
		throw unreadable(path, `cannot be read (${code ?? (error as Error).message})`, 'Check its permissions.', error);
	} finally {
		await handle?.close();
	}
}

function unreadable(path: string, what: string, hint: string, cause?: unknown): SealError {
	return new SealError('ERR_SEALFILE_MISSING', `Sealfile ${path} ${what}`, {hint, details: {file: path}, cause});
}
