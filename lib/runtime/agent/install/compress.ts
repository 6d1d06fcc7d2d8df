import {createReadStream} from 'node:fs';
import {mkdir, open, rename, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {besideOf} from '../../../core/atomic-file.js';
import type {Abortable} from '../../../core/events.js';
import {createFileWriter} from '../../../core/file-writer.js';
import {withLock} from '../../../core/lock.js';
import {createEncoder} from '../../../oci/compress/encoder.js';
import {hexOf} from '../../../oci/digest.js';
import type {AgentFile} from '../bundle/bundle.js';
import {type Measured, measure} from '../bundle/measure.js';

/** Smaller files are sent as they are. */
const minBytes = 1024 * 1024;
const blockBytes = 1024 * 1024;

/**
 * A file of the agent as gzip, made once and kept in the cache: Node travels as 40 MB instead of 108, and every host has gzip.
 * Undefined for what is not worth it, and where the cache cannot be written.
 */
export async function compressed(file: AgentFile, cacheDir: string, options: Abortable): Promise<Measured | undefined> {
	const {content} = file;
	if (content.kind !== 'file' || file.sizeBytes < minBytes) return undefined;
	const folder = join(cacheDir, 'agent', `gzip-${hexOf(file.digest).slice(0, 16)}`);
	const name = `${file.name}.gz`;
	const present = async (): Promise<Measured | undefined> =>
		(await measure(folder, [{name, mode: 0o644}], options))?.[0];
	try {
		return (
			(await present()) ??
			(await withLock(
				`${folder}.lock`,
				async () => {
					const made = await present();
					if (made !== undefined) return made;
					await rm(folder, {recursive: true, force: true});
					await mkdir(folder, {recursive: true});
					await write(content.path, join(folder, name), options);
					return await present();
				},
				{...options, timeoutMs: 5 * 60_000},
			))
		);
	} catch {
		options.signal?.throwIfAborted();
		return undefined;
	}
}

async function write(source: string, target: string, {signal}: Abortable): Promise<void> {
	const beside = besideOf(target);
	const file = await open(beside, 'wx');
	try {
		const writer = createFileWriter(file);
		const encoder = createEncoder({algorithm: 'gzip', level: 6}, chunk => writer.write(chunk), {signal});
		try {
			let last: Promise<void> = Promise.resolve();
			for await (const block of createReadStream(source, {highWaterMark: blockBytes, signal})) {
				const pushed = encoder.push(block as Buffer);
				pushed.catch(() => undefined);
				await last;
				last = pushed;
			}
			await encoder.finish();
		} catch (error) {
			await encoder.abort();
			throw error;
		}
		await writer.flush();
		await file.sync();
		await rename(beside, target);
	} catch (error) {
		await rm(beside, {force: true});
		throw error;
	} finally {
		await file.close();
	}
}
