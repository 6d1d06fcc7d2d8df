import type {Socket} from 'node:net';
import type {Abortable} from './events.js';
import type {HttpAnswer} from './http-answer.js';
import {whenStill} from './when-still.js';

/** What a socket is made with so that it reads into memory of ours (`onread` of net.connect and tls.connect). */
export interface ReadInto {
	readonly buffer: () => Uint8Array;
	readonly callback: (bytesRead: number) => boolean;
}

export interface BulkOptions extends Abortable {
	/** Milliseconds without a byte. */
	readonly idleTimeoutMs: number;
}

/** Large bodies come in pieces of this size: fewer reads, and no new memory for each. */
const slotBytes = 1024 * 1024;
/** Longer heads are refused, as undici does. */
const maxHeadBytes = 16 * 1024;

/**
 * Sends a GET over a connection of its own and gives a body whose chunks lie in two pieces of memory, used in turn: each is
 * valid until the next is asked for. Node's sockets otherwise make a buffer for every 64 KiB, and collecting them costs a
 * large download as much as hashing it.
 *
 * Resolves with undefined when the answer is not a plain one with a length: then it has to be asked for in the usual way.
 * @throws the system's errors, those of undici for what has no other, and `signal.reason`
 */
export async function receiveBulk(
	connect: (onread: ReadInto) => Promise<Socket>,
	head: string,
	{signal, idleTimeoutMs}: BulkOptions,
): Promise<HttpAnswer | undefined> {
	signal?.throwIfAborted();
	const receiver = new Receiver();
	const abort = (): void => receiver.fail(signal?.reason);
	signal?.addEventListener('abort', abort, {once: true});
	receiver.whenOver = () => signal?.removeEventListener('abort', abort);
	try {
		const socket = await connect(receiver.onread);
		receiver.attach(socket, idleTimeoutMs);
		socket.write(head, 'latin1');
		return await receiver.answer();
	} catch (error) {
		receiver.fail(error);
		throw error;
	}
}

/** Received bytes of the body that wait for the reader. */
interface Piece {
	readonly slot: number;
	readonly start: number;
	readonly end: number;
}

class Receiver {
	whenOver: () => void = () => {};
	readonly onread: ReadInto = {
		// Asked for right after each read, for the next one: also when that waits for its memory to be free.
		buffer: () => this.#slots[this.#filling]!.subarray(this.#used),
		callback: bytesRead => this.#take(bytesRead),
	};
	#socket: Socket | undefined;
	#idleTimeoutMs = 0;
	readonly #slots = [Buffer.allocUnsafeSlow(slotBytes), Buffer.allocUnsafeSlow(slotBytes)];
	/** Slots that the reader has, or that wait for it. */
	readonly #isHeld = [false, false];
	readonly #pieces: Piece[] = [];
	#filling = 0;
	#used = 0;
	/** Where the body begins in the slot that is being filled. */
	#start = 0;
	/** Of the body, still to come. */
	#leftBytes = Number.POSITIVE_INFINITY;
	#head: Head | undefined;
	#isStopped = false;
	#isOver = false;
	#failure: {readonly reason: unknown} | undefined;
	#wake: (() => void) | undefined;

	attach(socket: Socket, idleTimeoutMs: number): void {
		this.#socket = socket;
		this.#idleTimeoutMs = idleTimeoutMs;
		socket.setTimeout(idleTimeoutMs);
		socket.on('timeout', () =>
			whenStill(socket, () => {
				// Who waits for the reader waits for us.
				if (!this.#isStopped) this.fail(coded(this.#head ? 'UND_ERR_BODY_TIMEOUT' : 'UND_ERR_HEADERS_TIMEOUT'));
			}),
		);
		socket.on('error', error => this.fail(error));
		socket.on('close', () => this.fail(coded('UND_ERR_SOCKET')));
		if (this.#isOver) socket.destroy();
	}

	/** Ends all that goes on; of several failures the first counts. What came in before is given first. */
	fail(reason: unknown): void {
		if (this.#isOver) return;
		this.#failure = {reason};
		if (this.#head !== undefined) this.#passOn(this.#used);
		this.#end();
		this.#wake?.();
	}

	async answer(): Promise<HttpAnswer | undefined> {
		await this.#until(() => this.#head !== undefined);
		const {status, headers} = this.#head!;
		if (!Number.isFinite(this.#leftBytes)) {
			this.#end();
			return undefined;
		}
		return {status, headers, body: this.#body(), discard: async () => this.#drop()};
	}

	async *#body(): AsyncGenerator<Uint8Array> {
		try {
			for (;;) {
				await this.#until(() => this.#pieces.length > 0 || this.#leftBytes === 0);
				const piece = this.#pieces.shift();
				if (piece === undefined) return;
				yield this.#slots[piece.slot]!.subarray(piece.start, piece.end);
				this.#isHeld[piece.slot] = false;
				if (this.#isStopped && this.#leftBytes > 0) {
					this.#isStopped = false;
					// The time of the server begins anew: it may have run out while the reader had its own.
					this.#socket?.setTimeout(this.#idleTimeoutMs).resume();
				}
			}
		} finally {
			this.#end();
		}
	}

	/** False stops reading until the reader has let go of a slot. */
	#take(bytesRead: number): boolean {
		this.#used += bytesRead;
		let arrived = bytesRead;
		if (this.#head === undefined) {
			try {
				if (!this.#readHead()) return true;
			} catch (error) {
				this.fail(error);
				return false;
			}
			arrived = this.#used - this.#start;
		}
		const excess = Math.max(0, arrived - this.#leftBytes);
		this.#leftBytes -= arrived - excess;
		const isLast = this.#leftBytes === 0;
		if (this.#used === slotBytes || isLast) this.#passOn(this.#used - excess);
		this.#wake?.();
		this.#isStopped = isLast || this.#isHeld[this.#filling] === true;
		return !this.#isStopped;
	}

	#passOn(end: number): void {
		if (end > this.#start) {
			this.#pieces.push({slot: this.#filling, start: this.#start, end});
			this.#isHeld[this.#filling] = true;
		}
		this.#filling = 1 - this.#filling;
		this.#used = 0;
		this.#start = 0;
	}

	/** False while there is no end of it. */
	#readHead(): boolean {
		const seen = this.#slots[this.#filling]!.subarray(0, Math.min(this.#used, maxHeadBytes));
		const end = seen.indexOf('\r\n\r\n');
		if (end === -1 && this.#used >= maxHeadBytes) throw coded('UND_ERR_HEADERS_OVERFLOW');
		if (end === -1) return false;
		this.#head = parseHead(seen.toString('latin1', 0, end));
		this.#start = end + 4;
		const {status, headers} = this.#head;
		const length = headers['content-length'] ?? '';
		if (status >= 200 && /^\d{1,15}$/.test(length) && headers['transfer-encoding'] === undefined)
			this.#leftBytes = Number(length);
		return true;
	}

	async #until(isMet: () => boolean): Promise<void> {
		while (!isMet()) {
			if (this.#failure !== undefined) throw this.#failure.reason;
			await new Promise<void>(resolve => {
				this.#wake = resolve;
			});
			this.#wake = undefined;
		}
	}

	#drop(): void {
		this.#pieces.length = 0;
		this.#leftBytes = 0;
		this.#end();
		this.#wake?.();
	}

	#end(): void {
		if (this.#isOver) return;
		this.#isOver = true;
		this.whenOver();
		this.#socket?.destroy();
	}
}

interface Head {
	readonly status: number;
	readonly headers: Record<string, string>;
}

/** RFC 9112, sections 4 and 5. A field that came several times is joined with `, `. */
function parseHead(text: string): Head {
	const [line = '', ...fields] = text.split('\r\n');
	const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(line)?.[1];
	if (status === undefined) throw coded('HPE_INVALID_CONSTANT');
	const headers: Record<string, string> = Object.create(null) as Record<string, string>;
	for (const field of fields) {
		const [, name, value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(field) ?? [];
		if (name === undefined) throw coded('HPE_INVALID_HEADER_TOKEN');
		const key = name.toLowerCase();
		headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
	}
	return {status: Number(status), headers};
}

function coded(code: string): Error {
	return Object.assign(new Error(`The exchange ended: ${code}`), {code});
}
