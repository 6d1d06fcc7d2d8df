import {open, stat, unlink, utimes} from 'node:fs/promises';
import type {Bytes} from '../../../core/bytes.js';
import {systemCode} from '../../../core/errors.js';
import type {Abortable} from '../../../core/events.js';
import {createFileWriter} from '../../../core/file-writer.js';
import {withIo} from '../../../core/io-error.js';
import type {Descriptor} from '../../../oci/descriptor.js';
import {discard, readFileVerified, verified, wrongSize} from '../../../oci/verify.js';
import type {StockParts} from './parts.js';

/** Stores verified bytes as a blob that belongs to no repository yet. */
export async function pushBlob(
	{blobs, writer}: StockParts,
	descriptor: Descriptor,
	bytes: Bytes,
	{signal}: Abortable,
): Promise<void> {
	if ((await blobs.facts(descriptor.digest))?.sizeBytes === descriptor.size) {
		await blobs.renew(descriptor.digest);
		return await discard(bytes);
	}
	const path = await writer.temporary();
	try {
		await withIo('write', path, async () => {
			const file = await open(path, 'wx', 0o644);
			try {
				const target = createFileWriter(file);
				for await (const chunk of verified(bytes, descriptor, 'the source', {signal})) await target.write(chunk);
				await target.flush();
				await writer.sync(file);
			} finally {
				await file.close();
			}
		});
		await blobs.place(descriptor.digest, {path, sizeBytes: descriptor.size});
	} catch (error) {
		await unlink(path).catch(() => undefined);
		throw error;
	}
}

/** `BlobAdopter.adopt`: a second name for a file of another store, verified under that name. */
export async function adoptBlob(
	{blobs, writer}: StockParts,
	descriptor: Descriptor,
	from: string,
	{signal}: Abortable,
): Promise<boolean> {
	if ((await blobs.facts(descriptor.digest))?.sizeBytes === descriptor.size) {
		await blobs.renew(descriptor.digest);
		return true;
	}
	const path = await writer.temporary();
	if (!(await renewable(from)) || !(await writer.link(from, path))) return false;
	try {
		for await (const _ of readFileVerified(path, descriptor, from, {reuse: true, signal}));
		const {size} = await stat(path);
		if (size !== descriptor.size) throw wrongSize(descriptor, from, 'longer', size);
		const file = await open(path, 'r');
		try {
			await writer.sync(file);
		} finally {
			await file.close();
		}
		await blobs.place(descriptor.digest, {path, sizeBytes: size});
		return true;
	} finally {
		await unlink(path).catch(() => undefined);
	}
}

/** Links only what is ours to keep: only its owner may renew the time of a file. */
async function renewable(path: string): Promise<boolean> {
	try {
		const now = new Date();
		await utimes(path, now, now);
		return true;
	} catch (error) {
		if (['EPERM', 'EACCES', 'EROFS', 'ENOENT'].includes(systemCode(error) ?? '')) return false;
		throw error;
	}
}
