import type {Part} from '../content/part.js';
import {maxLineBytes, parseAnswer} from './wire.js';

/**
 * A part on its way from another host, in one piece of memory: its bytes come in records of 16 KiB, and a buffer and a turn of the
 * event loop for each would cost more than all else.
 */
export interface Inbox {
	/** Takes what came; the memory may be used again. Always true: a part is small enough to be taken whole. */
	push(bytes: Buffer): boolean;
	fail(reason: Error): void;
	receivedBytes(): number;
	/** The bytes of the part. Rejects with why it does not come. */
	bytes(): AsyncGenerator<Uint8Array>;
}

/** What is handed on at once. */
const stepBytes = 1024 * 1024;

export function createInbox({sizeBytes}: Part): Inbox {
	let line: Buffer | undefined = Buffer.alloc(0);
	let body: Buffer = Buffer.alloc(0);
	let received = 0;
	let given = 0;
	let failure: Error | undefined;
	let wake = (): void => undefined;
	/** The bytes after the line, once it is there. */
	const readLine = (before: Buffer, bytes: Buffer): Buffer => {
		const all = Buffer.concat([before, bytes]);
		const end = all.indexOf(0x0a);
		if (end > maxLineBytes || (end === -1 && all.length > maxLineBytes)) throw new Error('the answer has no end');
		line = end === -1 ? all : undefined;
		if (end === -1) return Buffer.alloc(0);
		const answer = parseAnswer(all.subarray(0, end));
		if ('missing' in answer) throw new Error('the part is not there');
		if (answer.sizeBytes !== sizeBytes) throw new Error(`the part has ${answer.sizeBytes} bytes there`);
		body = Buffer.allocUnsafeSlow(sizeBytes);
		return all.subarray(end + 1);
	};
	const take = (bytes: Buffer): void => {
		const rest = line === undefined ? bytes : readLine(line, bytes);
		if (received + rest.length > sizeBytes) throw new Error('more came than was asked for');
		rest.copy(body, received);
		received += rest.length;
		if (received - given >= stepBytes || received === sizeBytes) wake();
	};
	const fail = (reason: Error): void => {
		failure ??= reason;
		wake();
	};
	return {
		fail,
		receivedBytes: () => received,
		push(bytes) {
			try {
				if (failure === undefined) take(bytes);
			} catch (error) {
				fail(error as Error);
			}
			return true;
		},
		async *bytes() {
			while (line !== undefined || given < sizeBytes) {
				const isWhole = line === undefined && received === sizeBytes;
				if (failure !== undefined && !isWhole) throw failure;
				if (!isWhole && received - given < stepBytes) {
					await new Promise<void>(resolve => {
						wake = resolve;
					});
					continue;
				}
				const piece = body.subarray(given, received);
				given = received;
				yield piece;
			}
		},
	};
}
