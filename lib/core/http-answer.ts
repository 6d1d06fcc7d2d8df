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
		const body = createBody(reason => control?.abort(reason));
		const abort = (): void => {
			control?.abort(signal?.reason as Error);
			body.fail(signal?.reason);
			void body.discard();
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
				resolve({status, headers, body: body.bytes, discard: body.discard});
			},
			onResponseData: (_, chunk) => body.push(chunk),
			onResponseEnd() {
				over();
				body.end();
			},
			onResponseError(_, error) {
				over();
				body.fail(error);
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

interface Body {
	readonly bytes: Bytes;
	begin(control: AnswerControl, lengthBytes: number): void;
	push(chunk: Uint8Array): void;
	end(): void;
	/** Of several failures the first counts. */
	fail(reason: unknown): void;
	discard(): Promise<void>;
}

type Result = IteratorResult<Uint8Array, undefined>;

function createBody(abort: (reason: Error) => void): Body {
	let control: AnswerControl | undefined;
	let queue: Uint8Array[] = [];
	let taken = 0;
	let queuedBytes = 0;
	let leftBytes = Number.NaN;
	let isDropped = false;
	let over: {readonly failure?: {readonly reason: unknown}} | undefined;
	let waiting: {resolve(result: Result): void; reject(reason: unknown): void} | undefined;
	let whenOver: (() => void)[] = [];

	const settle = (end: NonNullable<typeof over>): void => {
		if (over !== undefined) return;
		over = end;
		if (end.failure === undefined) waiting?.resolve({done: true, value: undefined});
		else waiting?.reject(end.failure.reason);
		waiting = undefined;
		for (const tell of whenOver) tell();
		whenOver = [];
	};
	const drop = (): void => {
		isDropped = true;
		queue = [];
		taken = 0;
		queuedBytes = 0;
	};
	const take = (): Uint8Array | undefined => {
		const chunk = queue[taken];
		if (chunk === undefined) return undefined;
		taken++;
		if (taken === queue.length) {
			queue = [];
			taken = 0;
		}
		queuedBytes -= chunk.length;
		if (queuedBytes < lowBytes && control?.paused === true) control.resume();
		return chunk;
	};
	const next = (): Promise<Result> => {
		const chunk = take();
		if (chunk !== undefined) return Promise.resolve({done: false, value: chunk});
		if (over?.failure !== undefined) return Promise.reject(over.failure.reason as Error);
		if (over !== undefined || isDropped) return Promise.resolve({done: true, value: undefined});
		return new Promise((resolve, reject) => {
			waiting = {resolve, reject};
		});
	};
	const discard = async (): Promise<void> => {
		drop();
		if (over !== undefined) return;
		if (!(leftBytes <= discardBytes)) {
			const reason = new Error('The rest of the body is not wanted');
			settle({failure: {reason}});
			abort(reason);
			return;
		}
		control?.resume();
		await new Promise<void>(resolve => whenOver.push(resolve));
	};

	return {
		bytes: {
			[Symbol.asyncIterator]: () => ({
				next,
				async return() {
					await discard();
					return {done: true, value: undefined};
				},
			}),
		},
		begin(given, lengthBytes) {
			control = given;
			leftBytes = lengthBytes;
		},
		push(chunk) {
			leftBytes -= chunk.length;
			if (isDropped) return;
			if (waiting !== undefined) {
				waiting.resolve({done: false, value: chunk});
				waiting = undefined;
				return;
			}
			queue.push(chunk);
			queuedBytes += chunk.length;
			if (queuedBytes >= fullBytes) control?.pause();
		},
		end: () => settle({}),
		fail: reason => settle({failure: {reason}}),
		discard,
	};
}
