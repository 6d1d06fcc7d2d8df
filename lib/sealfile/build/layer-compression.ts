import {closeSync, openSync, readSync} from 'node:fs';
import {diskName} from '../../core/name.js';
import type {Compression} from '../../oci/compress/compression.js';
import {entropyOf} from '../../oci/compress/store.js';
import type {LayerEntry} from '../../oci/entry.js';

/** Smaller files are not looked into: they count as text. */
const sampledFromBytes = 256 * 1024;
const sampleBytes = 64 * 1024;
/** Bits per byte above which a sample is compressed or random data; programs and text are well below. */
const packedBits = 7.95;
/** A layer stays plain when less than this part of it could become smaller. */
const worthwhile = 0.05;
/** zlib's levels from 3 up make programs 3% smaller for a fifth more time; text needs the lazy matching of level 4. */
const programLevel = 2;

/**
 * The compression of a layer when the caller leaves it to us. Bytes that are compressed already (an embedded registry,
 * archives) stay plain: such a layer is written and read at the speed of a copy, and its digest is its diffID. Layers
 * that are mostly programs take a fast level, others the one of `wanted`. Decided by samples from the middle of large
 * files, so equal contents always give the same answer.
 */
export function compressionFor(entries: readonly LayerEntry[], wanted: Compression): Compression {
	const totalBytes = entries.reduce((sum, {header}) => sum + header.size, 0);
	let packedBytes = 0;
	let programBytes = 0;
	for (const entry of entries) {
		const {size} = entry.header;
		if (size < sampledFromBytes || entry.content === undefined) continue;
		const sample = sampleOf(entry);
		if (sample === undefined) continue;
		if (entropyOf(sample) > packedBits) packedBytes += size;
		else if (sample.includes(0)) programBytes += size;
	}
	if (packedBytes > 0 && packedBytes >= totalBytes * (1 - worthwhile)) return {algorithm: 'none'};
	const compressible = totalBytes - packedBytes;
	return wanted.algorithm === 'gzip' && programBytes > compressible / 2 ? {...wanted, level: programLevel} : wanted;
}

/** Bytes around the middle: the start of a file is often a header that says nothing about the rest. Text has no NUL in it. */
function sampleOf({header, content}: LayerEntry): Uint8Array | undefined {
	const middle = Math.floor((header.size - sampleBytes) / 2);
	if (content?.kind === 'bytes') return content.bytes.subarray(middle, middle + sampleBytes);
	if (content?.kind !== 'file') return undefined;
	const sample = Buffer.alloc(sampleBytes);
	let file: number | undefined;
	try {
		file = openSync(diskName(content.path), 'r');
		readSync(file, sample, 0, sampleBytes, (content.offset ?? 0) + middle);
		return sample;
	} catch {
		// The writer opens the same file next and says what is wrong with it.
		return undefined;
	} finally {
		if (file !== undefined) closeSync(file);
	}
}
