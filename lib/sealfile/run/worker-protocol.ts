import type {SealErrorOptions} from '../../core/errors.js';
import type {SealEvent} from '../../core/events.js';
import type {LayerEntry} from '../../oci/entry.js';
import type {RootfsOptions, RunRequest} from './types.js';

/** What the session asks of its worker in the user namespace. Entries come before the message that is about them. */
export type WorkerOrder =
	| {readonly kind: 'entries'; readonly entries: readonly LayerEntry[]}
	| {readonly kind: 'open'; readonly options: Omit<RootfsOptions, 'signal' | 'onEvent'>}
	| {readonly kind: 'apply'; readonly blobs: ReadonlyMap<string, string>}
	/** The entries so far are those of the mount with this index. */
	| {readonly kind: 'bind'; readonly index: number; readonly blobs: ReadonlyMap<string, string>}
	| {readonly kind: 'run'; readonly request: PlainRequest; readonly secrets: ReadonlyMap<string, Uint8Array>}
	/** Copies files that only the worker can read, and answers with the folder and the paths in it. */
	| {readonly kind: 'export'; readonly paths: readonly string[]}
	| {readonly kind: 'abort'}
	| {readonly kind: 'close'};

/** The part of a request that can be sent. */
export type PlainRequest = Omit<RunRequest, 'signal' | 'onEvent' | 'bindSource' | 'secret'>;

/** What the worker says: events and entries while it works, then one of the last two. */
export type WorkerReply =
	| {readonly kind: 'event'; readonly event: SealEvent}
	| {readonly kind: 'entries'; readonly entries: readonly LayerEntry[]}
	| {readonly kind: 'done'; readonly paths?: readonly string[]}
	| {readonly kind: 'failed'; readonly error: PlainError};

export interface PlainError {
	/** Undefined for what is no SealError. */
	readonly code: string | undefined;
	readonly message: string;
	readonly hint?: SealErrorOptions['hint'];
	readonly details?: SealErrorOptions['details'];
}

/** Messages stay small, so that neither side holds a whole image in one of them. */
export const entriesPerMessage = 500;
