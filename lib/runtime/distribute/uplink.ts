import {collect} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import type {ContentReader} from '../../oci/content.js';
import {algorithmOf, digestOf} from '../../oci/digest.js';
import {runAgentVerb} from '../agent/run-verb.js';
import {type BlobParts, type Part, partBytes} from '../content/part.js';
import {HostError} from '../host/error.js';
import type {Transport} from '../transport/transport.js';
import {announce} from './announce.js';
import {formatHeader} from './frames.js';

/** The operator's own channel for content to one host: parts go as raw bytes, one after the other. */
export interface Uplink {
	/**
	 * Resolves when the host has stored the part.
	 * @throws HostError of the host; SealError ERR_CONTENT_DIGEST, ERR_CONTENT_MISSING when the operator's own store is at fault
	 */
	send(blob: BlobParts, part: Part, options?: Abortable): Promise<void>;
	/** Ends the channel; what is not sent by then is given up. */
	close(): Promise<void>;
}

export interface UplinkOptions extends Abortable {
	readonly transport: Transport;
	readonly store: ContentReader;
	/** All blobs that may be sent. */
	readonly blobs: readonly BlobParts[];
	/** Where the agent keeps content and is itself; defaults of the agent. */
	readonly root?: string | undefined;
	readonly path?: string | undefined;
	/** Called with what leaves the operator. */
	readonly onBytes?: ((count: number) => void) | undefined;
}

interface Waiting {
	readonly blob: BlobParts;
	readonly part: Part;
	readonly bytes: Buffer;
	resolve(): void;
	reject(reason: unknown): void;
}

/** A write to the channel; small enough that progress is seen, large enough that it costs nothing. */
const chunkBytes = 256 * 1024;

export function openUplink(options: UplinkOptions): Uplink {
	const {transport, signal} = options;
	const queue = createQueue<Waiting>();
	const sent: Waiting[] = [];
	const life = new AbortController();
	const confirm = (stored: unknown, before: number): number => {
		const count = Number.isSafeInteger(stored) ? Math.min(stored as number, before + sent.length) : before;
		for (let done = before; done < count; done++) sent.shift()?.resolve();
		return Math.max(before, count);
	};
	let stored = 0;
	const run = async (): Promise<void> => {
		const result = await runAgentVerb(
			transport,
			'receive',
			{blobs: options.blobs.map(announce)},
			{
				signal: signal === undefined ? life.signal : AbortSignal.any([signal, life.signal]),
				input: frames(queue, sent, options.onBytes),
				onEvent: event => {
					stored = confirm((event as {stored?: unknown} | null)?.stored, stored);
				},
				...(options.root === undefined ? {} : {root: options.root}),
				...(options.path === undefined ? {} : {path: options.path}),
			},
		);
		confirm((result as {stored?: unknown} | null)?.stored, stored);
	};
	const over = run()
		.then(() => new HostError(transport.host, 'ERR_AGENT_LOST', 'The agent stopped receiving content'))
		.catch((error: unknown) => error)
		.then(reason => {
			queue.end();
			for (const waiting of [...sent, ...queue.drain()]) waiting.reject(reason);
			return reason;
		});
	return {
		async send(blob, part, sendOptions = {}) {
			const bytes = await readPart(options.store, blob, part, sendOptions);
			const done = new Promise<void>((resolve, reject) => {
				const abort = (): void => reject(sendOptions.signal?.reason as Error);
				sendOptions.signal?.addEventListener('abort', abort, {once: true});
				const settle = (): void => sendOptions.signal?.removeEventListener('abort', abort);
				const waiting: Waiting = {
					blob,
					part,
					bytes,
					resolve: () => {
						settle();
						resolve();
					},
					reject: reason => {
						settle();
						reject(reason as Error);
					},
				};
				if (!queue.add(waiting)) void over.then(reason => waiting.reject(reason));
			});
			await done;
		},
		async close() {
			queue.end();
			life.abort(new SealError('ERR_ABORTED', 'The distribution has ended'));
			await over;
		},
	};
}

/** The bytes of a part, checked: a store that is damaged must not look like a host that lies. */
async function readPart(store: ContentReader, blob: BlobParts, part: Part, options: Abortable): Promise<Buffer> {
	const {digest, sizeBytes, index} = part;
	const descriptor = {mediaType: blob.mediaType, digest: blob.blob, size: blob.sizeBytes};
	const stream = await store.fetch(descriptor, {...options, offset: index * partBytes, verify: false});
	const bytes = await collect(firstBytes(stream, sizeBytes), sizeBytes);
	if (bytes.length === sizeBytes && digestOf(bytes, algorithmOf(digest)) === digest) return bytes;
	throw new SealError('ERR_CONTENT_DIGEST', `Part ${index} of ${blob.blob} in the store is not what it was`, {
		hint: 'Run "sealimage verify" on the image, and pull or load it again.',
	});
}

async function* firstBytes(bytes: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
	let left = count;
	if (left === 0) return;
	for await (const chunk of bytes) {
		yield chunk.subarray(0, left);
		left -= Math.min(left, chunk.length);
		if (left === 0) return;
	}
}

async function* frames(
	queue: Queue<Waiting>,
	sent: Waiting[],
	onBytes: UplinkOptions['onBytes'],
): AsyncGenerator<Uint8Array> {
	for (let next = await queue.next(); next !== undefined; next = await queue.next()) {
		const {blob, part, bytes} = next;
		sent.push(next);
		yield formatHeader({blob: blob.blob, index: part.index, sizeBytes: part.sizeBytes});
		for (let at = 0; at < bytes.length; at += chunkBytes) {
			const chunk = bytes.subarray(at, at + chunkBytes);
			onBytes?.(chunk.length);
			yield chunk;
		}
	}
}

interface Queue<T> {
	/** False when the queue has ended. */
	add(item: T): boolean;
	next(): Promise<T | undefined>;
	end(): void;
	drain(): T[];
}

function createQueue<T>(): Queue<T> {
	const items: T[] = [];
	let wake: (() => void) | undefined;
	let ended = false;
	const ring = (): void => {
		wake?.();
		wake = undefined;
	};
	return {
		add(item) {
			if (ended) return false;
			items.push(item);
			ring();
			return true;
		},
		async next() {
			while (items.length === 0 && !ended) {
				await new Promise<void>(resolve => {
					wake = resolve;
				});
			}
			return ended ? undefined : items.shift();
		},
		end() {
			ended = true;
			ring();
		},
		drain: () => items.splice(0),
	};
}
