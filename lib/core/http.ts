import type {Dispatcher} from 'undici';
import type {Bytes} from './bytes.js';
import {isSealError, SealError, systemCode} from './errors.js';
import type {Abortable} from './events.js';

export interface HttpClientOptions {
	/** Milliseconds for name look-up, connection and TLS. Default 30,000. */
	readonly connectTimeoutMs?: number | undefined;
	/** Milliseconds without a byte, while waiting for headers and within a body. Default 60,000. */
	readonly idleTimeoutMs?: number | undefined;
	/** Connections per origin. Default 16. */
	readonly connections?: number | undefined;
	/** PEM certificates to trust instead of the system's. */
	readonly ca?: string | readonly string[] | undefined;
	/** Accept any certificate. Default false. */
	readonly insecure?: boolean | undefined;
	/** Proxies by scheme, and the hosts that are reached without (as in NO_PROXY). Default: none; the environment is not read. */
	readonly proxy?:
		| {readonly http?: string | undefined; readonly https?: string | undefined; readonly except?: string | undefined}
		| undefined;
}

export interface HttpRequest extends Abortable {
	/** Default GET. */
	readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | undefined;
	readonly headers?: Readonly<Record<string, string>> | undefined;
	readonly body?: string | Uint8Array | Bytes | undefined;
}

export interface HttpResponse {
	readonly status: number;
	/** By lower-case name; a header that came several times is joined with `, `. */
	header(name: string): string | undefined;
	/** As it came over the wire: nothing is decompressed. To be read to its end or discarded. */
	readonly body: Bytes;
	/** Gives up on the body. Never rejects. */
	discard(): Promise<void>;
}

/** One pool of connections. Redirects are answers like any other: following them is a decision of the caller. */
export interface HttpClient {
	/**
	 * @throws SealError ERR_NETWORK when there is no answer, or (while reading the body) when it is cut short; an abort
	 * rejects with `signal.reason`
	 */
	request(url: string | URL, options?: HttpRequest): Promise<HttpResponse>;
	/** Closes idle connections and waits for busy ones. */
	close(): Promise<void>;
}

/**
 * This file is the only one that knows undici. Loading it takes as long as all of an unchanged build, so that waits for
 * the first request.
 */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
	let loaded: Promise<Undici> | undefined;
	let dispatcher: Dispatcher | undefined;
	return {
		async request(url, {body, headers, method = 'GET', signal} = {}) {
			signal?.throwIfAborted();
			const target = new URL(url);
			const withoutLogin = new URL(target);
			withoutLogin.username = '';
			withoutLogin.password = '';
			loaded ??= import('undici');
			const undici = await loaded;
			dispatcher ??= createDispatcher(undici, options);
			try {
				const answer = await undici.request(withoutLogin, {
					dispatcher,
					method,
					headers: {...basicLogin(target), ...headers},
					...(body === undefined ? {} : {body: body as Dispatcher.DispatchOptions['body'] & object}),
					...(signal === undefined ? {} : {signal}),
				});
				return responseOf(answer, target, signal);
			} catch (error) {
				throw networkError(error, target, signal);
			}
		},
		close: async () => dispatcher?.close(),
	};
}

type Undici = typeof import('undici');

/** A URL that may be shown: without password and query, where signatures and tokens are. */
export function redactUrl(url: string | URL): string {
	if (!URL.canParse(String(url))) return String(url);
	const shown = new URL(url);
	shown.username = '';
	shown.password = '';
	if (shown.search !== '') shown.search = '?...';
	shown.hash = '';
	return shown.href;
}

function createDispatcher(undici: Undici, options: HttpClientOptions): Dispatcher {
	const idle = options.idleTimeoutMs ?? 60_000;
	const tls = {
		...(options.ca === undefined ? {} : {ca: [options.ca].flat()}),
		...(options.insecure === true ? {rejectUnauthorized: false} : {}),
	};
	const settings = {
		headersTimeout: idle,
		bodyTimeout: idle,
		connections: options.connections ?? 16,
		connect: {timeout: options.connectTimeoutMs ?? 30_000, ...tls},
	};
	const {proxy} = options;
	if (proxy === undefined) return new undici.Agent(settings);
	return new undici.EnvHttpProxyAgent({
		...settings,
		requestTls: tls,
		// Empty strings keep undici from looking into the environment.
		httpProxy: proxy.http ?? '',
		httpsProxy: proxy.https ?? '',
		noProxy: proxy.except ?? '',
	});
}

function basicLogin(url: URL): Record<string, string> {
	if (url.username === '' && url.password === '') return {};
	const login = `${decodePercents(url.username)}:${decodePercents(url.password)}`;
	return {authorization: `Basic ${Buffer.from(login).toString('base64')}`};
}

/** The text as it is when it is no percent encoding: a password may hold a bare `%`. */
function decodePercents(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

function responseOf(answer: Dispatcher.ResponseData, url: URL, signal: AbortSignal | undefined): HttpResponse {
	return {
		status: answer.statusCode,
		header(name) {
			const value = answer.headers[name.toLowerCase()];
			return Array.isArray(value) ? value.join(', ') : value;
		},
		body: readBody(answer.body, url, signal),
		async discard() {
			await answer.body.dump({limit: 64 * 1024}).catch(() => undefined);
		},
	};
}

async function* readBody(body: Bytes, url: URL, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
	try {
		yield* body;
	} catch (error) {
		throw networkError(error, url, signal);
	}
}

function networkError(error: unknown, url: URL, signal: AbortSignal | undefined): unknown {
	if (signal?.aborted === true) return signal.reason;
	if (isSealError(error)) return error;
	const code = systemCode(error);
	const reason = reasons[code ?? ''] ?? (error as Error).message;
	return new SealError('ERR_NETWORK', `${redactUrl(url)} cannot be read: ${reason}`, {
		hint: hints[code ?? ''],
		details: {url: redactUrl(url), ...(code === undefined ? {} : {systemCode: code})},
		cause: error,
	});
}

const reasons: Readonly<Record<string, string>> = {
	ENOTFOUND: 'the host name is not known',
	EAI_AGAIN: 'the name server does not answer',
	ECONNREFUSED: 'the connection is refused',
	ECONNRESET: 'the connection was cut',
	EPIPE: 'the connection was cut',
	EHOSTUNREACH: 'there is no route to the host',
	ENETUNREACH: 'there is no route to the network',
	UND_ERR_SOCKET: 'the connection was cut',
	UND_ERR_CONNECT_TIMEOUT: 'the host does not answer in time',
	UND_ERR_HEADERS_TIMEOUT: 'the server does not answer in time',
	UND_ERR_BODY_TIMEOUT: 'the server stopped sending',
	UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the body is not as long as announced',
	SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an authority that is not trusted',
	DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
	UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an authority that is not trusted',
	CERT_HAS_EXPIRED: 'its certificate has expired',
};

const trustHint = 'Add the authority to the trusted ones, or check that this is the right server.';
const hints: Readonly<Record<string, string>> = {
	ENOTFOUND: 'Check the spelling of the host and the network.',
	SELF_SIGNED_CERT_IN_CHAIN: trustHint,
	DEPTH_ZERO_SELF_SIGNED_CERT: trustHint,
	UNABLE_TO_VERIFY_LEAF_SIGNATURE: trustHint,
};
