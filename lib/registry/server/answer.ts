import type {StoredBlob} from '../storage/storage.js';

/** What an endpoint answers: data, sent by `send`. */
export interface Answer {
	readonly status: number;
	readonly headers?: AnswerHeaders | undefined;
	/** With HEAD only its length is told. */
	readonly body?: Uint8Array | BlobRange | undefined;
}

/** Names in lower case; a list stands for several lines. */
export type AnswerHeaders = Readonly<Record<string, string | number | readonly string[]>>;

/** Bytes of a blob from `start` to before `end`; nothing is opened before they are sent. */
export interface BlobRange {
	readonly blob: StoredBlob;
	readonly start: number;
	readonly end: number;
}

/** An answer with a JSON document. */
export function jsonAnswer(
	status: number,
	document: unknown,
	headers: AnswerHeaders = {},
	mediaType = 'application/json',
): Answer {
	return {status, headers: {'content-type': mediaType, ...headers}, body: Buffer.from(JSON.stringify(document))};
}
