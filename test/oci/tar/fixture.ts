import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {type Bytes, collect} from '../../../lib/core/bytes.js';
import type {EntryHeader} from '../../../lib/oci/entry.js';
import {readTar, type TarOptions} from '../../../lib/oci/tar/read.js';

/** One archive of test/fixtures/tar. */
export function fixture(name: string): Buffer {
	return readFileSync(join(process.cwd(), 'test/fixtures/tar', `${name}.tar`));
}

/** A stream of bytes in chunks of one size. */
export async function* chunked(bytes: Uint8Array, sizeBytes: number): AsyncGenerator<Uint8Array> {
	for (let at = 0; at < bytes.length; at += sizeBytes) yield Buffer.from(bytes.subarray(at, at + sizeBytes));
}

export interface ReadEntry {
	readonly header: EntryHeader;
	readonly content: Buffer;
}

/** Everything in an archive. */
export async function readAll(bytes: Bytes, options: TarOptions = {}): Promise<ReadEntry[]> {
	const entries: ReadEntry[] = [];
	for await (const {header, content} of readTar(bytes, options)) {
		entries.push({header, content: await collect(content, 64 * 1024 * 1024)});
	}
	return entries;
}
