import type {Bytes} from './bytes.js';
import type {Abortable} from './events.js';

/** The head of a response, and its body as it comes in. Errors are those of undici, and the reason of an abort. */
export interface HttpAnswer {
	readonly status: number;
	/** By lower-case name. */
	readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
	/** To be read once, or discarded. What came in before a failure is given before it rejects. */
	readonly body: Bytes;
	/** Gives up on the body. Never rejects. */
	discard(): Promise<void>;
}

/** The hold that a handler has on its exchange. */
export interface AnswerControl {
	readonly paused: boolean;
	pause(): void;
	resume(): void;
	abort(reason: Error): void;
}

/** What undici calls while an exchange goes on. */
export interface AnswerHandler {
	onRequestStart(control: AnswerControl): void;
	onResponseStart(control: AnswerControl, status: number, headers: HttpAnswer['headers']): void;
	onResponseData(control: AnswerControl, chunk: Uint8Array): void;
	onResponseEnd(): void;
	onResponseError(control: AnswerControl, error: Error): void;
}

/**
 * Lets `send` send a request and resolves with the head of its answer. undici's own way there is a stream of Node for each
 * body, which joins chunks, waits a turn for each, and forgets what is not read yet when the connection breaks.
 */
export function receiveAnswer(
	send: (handler: AnswerHandler) => void,
	{method, signal}: Abortable & {readonly method: string},
): Promise<HttpAnswer> {
	return new Promise((resolve, reject) => {
		let control: AnswerControl | undefined;
		const body = new AnswerBody();
		const abort = (): void => {
			control?.abort(signal?.reason as Error);
			body.forget(signal?.reason);
			reject(signal?.reason as Error);
		};
		signal?.addEventListener('abort', abort, {once: true});
		const over = (): void => signal?.removeEventListener('abort', abort);
		const handler: AnswerHandler = {
			onRequestStart(given) {
				control = given;
				if (signal?.aborted === true) given.abort(signal.reason as Error);
			},
			onResponseStart(given, status, headers) {
				if (status < 200) return;
				// The length in an answer to HEAD is that of a body which does not come.
				body.begin(given, method === 'HEAD' ? 0 : Number(headers['content-length'] ?? Number.NaN));
				resolve({status, headers, body, discard: () => body.discard()});
			},
			onResponseData: (_, chunk) => body.push(chunk),
			onResponseEnd() {
				over();
				body.end(undefined);
			},
			onResponseError(_, error) {
				over();
				body.end({reason: error});
				reject(error);
			},
		};
		try {
			send(handler);
		} catch (error) {
			over();
			reject(error as Error);
		}
	});
}

/** The server is asked to wait above the first, and to go on below the second. */
const fullBytes = 512 * 1024;
const lowBytes = 128 * 1024;
/** A rest up to this is read for the sake of the connection; above it, a new connection is cheaper. */
const discardBytes = 64 * 1024;

type Result = IteratorResult<Uint8Array, undefined>;

/** Chunks between a connection that brings them and a reader that takes them. */
class AnswerBody implements AsyncIterableIterator<Uint8Array, undefined> {
	#control: AnswerControl | undefined;
	/** A few chunks: `fullBytes` of what a socket gives at once. */
	#queue: Uint8Array[] = [];
	#queuedBytes = 0;
	/** Still to come; NaN when the server does not say. */
	#leftBytes = Number.NaN;
	#isDropped = false;
	#isOver = false;
	#failure: {readonly reason: unknown} | undefined;
	#reader: {resolve(result: Result): void; reject(reason: unknown): void} | undefined;
	#whenOver: (() => void)[] = [];

	begin(control: AnswerControl, lengthBytes: number): void {
		this.#control = control;
		this.#leftBytes = lengthBytes;
	}

	push(chunk: Uint8Array): void {
		this.#leftBytes -= chunk.length;
		if (this.#isDropped) return;
		const reader = this.#reader;
		if (reader !== undefined) {
			this.#reader = undefined;
			reader.resolve({done: false, value: chunk});
			return;
		}
		this.#queue.push(chunk);
		this.#queuedBytes += chunk.length;
		if (this.#queuedBytes >= fullBytes) this.#control?.pause();
	}

	/** Of several ends the first counts. */
	end(failure: {readonly reason: unknown} | undefined): void {
		if (this.#isOver) return;
		this.#isOver = true;
		this.#failure = failure;
		if (failure === undefined) this.#reader?.resolve({done: true, value: undefined});
		else this.#reader?.reject(failure.reason);
		this.#reader = undefined;
		for (const tell of this.#whenOver) tell();
	}

	/** Ends at once: what was not read yet is not given any more. */
	forget(reason: unknown): void {
		this.#drop();
		this.end({reason});
	}

	async discard(): Promise<void> {
		this.#drop();
		if (this.#isOver) return;
		if (this.#leftBytes <= discardBytes) {
			this.#control?.resume();
			await new Promise<void>(resolve => this.#whenOver.push(resolve));
			return;
		}
		const reason = new Error('The rest of the body is not wanted');
		this.end({reason});
		this.#control?.abort(reason);
	}

	next(): Promise<Result> {
		const chunk = this.#take();
		if (chunk !== undefined) return Promise.resolve({done: false, value: chunk});
		if (this.#failure !== undefined) return Promise.reject(this.#failure.reason as Error);
		if (this.#isOver || this.#isDropped) return Promise.resolve({done: true, value: undefined});
		return new Promise((resolve, reject) => {
			this.#reader = {resolve, reject};
		});
	}

	async return(): Promise<Result> {
		await this.discard();
		return {done: true, value: undefined};
	}

	[Symbol.asyncIterator](): this {
		return this;
	}

	#take(): Uint8Array | undefined {
		const chunk = this.#queue.shift();
		if (chunk === undefined) return undefined;
		this.#queuedBytes -= chunk.length;
		if (this.#queuedBytes < lowBytes && this.#control?.paused === true) this.#control.resume();
		return chunk;
	}

	#drop(): void {
		this.#isDropped = true;
		this.#queue = [];
		this.#queuedBytes = 0;
	}
}
