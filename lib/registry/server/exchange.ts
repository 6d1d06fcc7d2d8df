import type {IncomingMessage, ServerResponse} from 'node:http';
import type {RegistryStorage} from '../storage/storage.js';
import type {AccessPolicy} from './access/policy.js';
import type {Buffers} from './buffers.js';
import type {ServeOptions} from './options.js';
import {refuse} from './refusal.js';
import type {Route} from './route.js';
import type {SmallBlobs} from './small-blobs.js';
import type {Traffic} from './traffic.js';

/** What all exchanges of a server share. */
export interface ServerParts {
	readonly storage: RegistryStorage;
	readonly access: AccessPolicy;
	readonly buffers: Buffers;
	readonly smallBlobs: SmallBlobs;
	readonly traffic: Traffic;
	readonly options: ServeOptions;
}

/** One request and what becomes of it: every stage reads it, and fills in what it finds out. */
export interface Exchange {
	readonly parts: ServerParts;
	readonly request: IncomingMessage;
	readonly response: ServerResponse;
	/** HEAD is answered as GET, without the body. */
	readonly method: string;
	readonly startedAt: number;
	/** Aborted when the client goes away. */
	readonly signal: AbortSignal;
	/** Decoded; empty until the request is parsed. */
	path: string;
	query: URLSearchParams;
	route: Route | undefined;
	/** The storage's name of the repository: the one of the path, or with `ns` one of another registry. */
	repository: string;
	/** Who asks, as the access policy knows. */
	user: string | undefined;
	/** Sentences for the client's user, sent as `Warning: 299`. */
	readonly warnings: string[];
	/** Whether a client that waits for `100 Continue` has been told to go on. */
	isContinued: boolean;
	/** Bytes of the request's body so far. */
	receivedBytes: number;
	/** Bytes of the answer's body so far. */
	sentBytes: number;
}

/** The context of a request that has just come. */
export function openExchange(parts: ServerParts, request: IncomingMessage, response: ServerResponse): Exchange {
	let controller: AbortController | undefined;
	return {
		parts,
		request,
		response,
		method: request.method ?? 'GET',
		startedAt: performance.now(),
		// Most answers are there before anyone asks for a signal: it is made when it is first wanted.
		get signal() {
			if (controller === undefined) {
				const made = new AbortController();
				controller = made;
				const gone = (): void => {
					if (!response.writableFinished) made.abort(new Error('The client went away'));
				};
				if (response.closed) gone();
				else response.once('close', gone);
			}
			return controller.signal;
		},
		path: '',
		query: new URLSearchParams(),
		route: undefined,
		repository: '',
		user: undefined,
		warnings: [],
		isContinued: false,
		receivedBytes: 0,
		sentBytes: 0,
	};
}

/**
 * Splits the target of the request and undoes percent-encoding, once and before anything is read from it.
 * @throws Refusal NAME_INVALID for an encoding that is none
 */
export function parseTarget(exchange: Exchange): void {
	// RFC 9112, 3.2.2: a server must take the absolute form, too.
	const target = (exchange.request.url ?? '/').replace(/^https?:\/\/[^/?]*/i, '');
	const question = target.indexOf('?');
	const path = question === -1 ? target : target.slice(0, question);
	if (question !== -1) exchange.query = new URLSearchParams(target.slice(question + 1));
	try {
		exchange.path = path.includes('%') ? decodeURIComponent(path) : path;
	} catch {
		throw refuse('NAME_INVALID', 'The path has a percent-encoding that is no UTF-8');
	}
}
