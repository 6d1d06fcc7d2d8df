import {type Bytes, collect, oneChunk} from '../../core/bytes.js';
import type {Abortable} from '../../core/events.js';
import type {ContentOpener} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {verified, wrongSize} from '../../oci/verify.js';

/** Content that is sent in parts, and again from another offset when the connection breaks. */
export interface UploadSource {
	/** What reading failed with, told apart from what sending failed with. */
	readonly failure: {readonly reason: unknown} | undefined;
	/** All of it. */
	whole(): Promise<Uint8Array>;
	/** Goes to an offset: stays there when it is there already. */
	seek(offset: number): Promise<void>;
	/** The bytes up to `end`. Their digest is for the registry to check, which has to in any case. */
	part(end: number): Bytes;
	/** Reads all of it once more and checks it. @throws SealError ERR_CONTENT_DIGEST, and what reading fails with */
	check(): Promise<void>;
	close(): Promise<void>;
}

interface Cursor {
	readonly iterator: AsyncIterator<Uint8Array>;
	position: number;
	/** Read, and not asked for yet. */
	rest: Uint8Array | undefined;
	/** A part began here and did not end: where it stands is not known. */
	isBusy: boolean;
}

export function createUploadSource(descriptor: Descriptor, read: ContentOpener, options: Abortable): UploadSource {
	const where = 'the source';
	let failure: UploadSource['failure'];
	let cursor: Cursor | undefined;
	let all: Uint8Array | undefined;

	const noting = async <R>(owner: Cursor | undefined, work: () => Promise<R>): Promise<R> => {
		try {
			return await work();
		} catch (error) {
			// Streams that were left behind fail without consequence.
			if (owner === cursor) failure = {reason: error};
			throw error;
		}
	};
	const close = async (): Promise<void> => {
		const last = cursor;
		cursor = undefined;
		await last?.iterator.return?.().catch(() => undefined);
	};
	const seek = async (offset: number): Promise<void> => {
		if (cursor !== undefined && !cursor.isBusy && cursor.position === offset) return;
		await close();
		const held = all;
		const bytes =
			held === undefined
				? await noting(undefined, () => read(offset, {...options, reuse: true, verify: false}))
				: oneChunk(held.subarray(offset));
		cursor = {iterator: bytes[Symbol.asyncIterator](), position: offset, rest: undefined, isBusy: false};
	};
	async function* part(from: Cursor, end: number): AsyncGenerator<Uint8Array> {
		from.isBusy = true;
		while (from.position < end) {
			const chunk = from.rest ?? (await noting(from, () => nextOf(from, descriptor, where)));
			const length = Math.min(chunk.length, end - from.position);
			from.rest = length < chunk.length ? chunk.subarray(length) : undefined;
			from.position += length;
			yield length < chunk.length ? chunk.subarray(0, length) : chunk;
		}
		if (end === descriptor.size) await noting(from, () => endOf(from, descriptor, where));
		from.isBusy = false;
	}
	return {
		get failure() {
			return failure;
		},
		async whole() {
			all ??= await noting(cursor, async () => {
				const bytes = await collect(await read(0, options), descriptor.size, descriptor.digest);
				if (bytes.length < descriptor.size) throw wrongSize(descriptor, where, 'shorter', bytes.length);
				return bytes;
			});
			return all;
		},
		seek,
		async check() {
			await close();
			await noting(undefined, async () => {
				const bytes = await read(0, {...options, reuse: true});
				for await (const _ of verified(bytes, descriptor, where, options));
			});
		},
		part: end => part(cursor!, end),
		close,
	};
}

async function nextOf({iterator, position}: Cursor, descriptor: Descriptor, where: string): Promise<Uint8Array> {
	const result = await iterator.next();
	if (result.done === true) throw wrongSize(descriptor, where, 'shorter', position);
	return result.value;
}

/** Streams check their content when they are asked for more than there is. */
async function endOf({iterator, rest}: Cursor, descriptor: Descriptor, where: string): Promise<void> {
	if (rest !== undefined || (await iterator.next()).done !== true) throw wrongSize(descriptor, where, 'longer');
}
