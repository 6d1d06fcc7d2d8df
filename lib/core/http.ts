import type {Socket} from 'node:net';
import type {buildConnector, Dispatcher} from 'undici';
import {type Bytes, translateErrors} from './bytes.js';
import {isSealError, SealError, systemCode} from './errors.js';
import type {Abortable} from './events.js';
import {type HttpAnswer, receiveAnswer} from './http-answer.js';
import {type ReadInto, receiveBulk} from './http-bulk.js';
import {decodePercents, type ProxyRoute, type ProxySettings, proxyFor} from './proxy.js';
import {identityProblem} from './server-identity.js';
import {createTrust, type HttpTls, type Trust, untrustedCodes} from './trust.js';

export type {HttpTls} from './trust.js';

export interface HttpClientOptions {
	/** Milliseconds for name look-up, connection and TLS. Default 30,000. */
	readonly connectTimeoutMs?: number | undefined;
	/** Milliseconds without a byte, while waiting for headers and within a body. Default 60,000. */
	readonly idleTimeoutMs?: number | undefined;
	/** Connections per origin. Default 16. */
	readonly connections?: number | undefined;
	/** Authorities that are trusted besides those that Node brings, as PEM text. */
	readonly ca?: string | readonly string[] | undefined;
	/** Files with more of them, as systems keep them; read when a certificate is met that is not trusted yet. Missing ones are passed over. */
	readonly caFiles?: readonly string[] | undefined;
	/** Default: none; the environment is not read. */
	readonly proxy?: ProxySettings | undefined;
}

export interface HttpRequest extends Abortable {
	/** Default GET. */
	readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | undefined;
	readonly headers?: Readonly<Record<string, string>> | undefined;
	readonly body?: string | Uint8Array | Bytes | undefined;
	/** Requests with other settings use other connections. */
	readonly tls?: HttpTls | undefined;
	/** Milliseconds; default that of the client. */
	readonly connectTimeoutMs?: number | undefined;
	/** Milliseconds without a byte; default that of the client. For requests whose answer takes work. */
	readonly idleTimeoutMs?: number | undefined;
	/**
	 * For large bodies: a GET over a connection of its own, whose chunks are valid until the next is asked for only. Default
	 * false. Through a proxy, and for answers without a length, it makes no difference.
	 */
	readonly bulk?: boolean | undefined;
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

/** Pools of connections. Redirects are answers like any other: following them is a decision of the caller. */
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
	const trust = createTrust([options.ca ?? []].flat(), options.caFiles ?? []);
	const dispatchers = new Map<string, Promise<Dispatcher>>();
	const alerts: Route['alerts'] = new Map();
	/** Servers that give no lengths: what is large comes from them in the usual way. */
	const withoutLengths = new Set<string>();
	return {
		async request(url, {body, headers, method = 'GET', signal, tls, connectTimeoutMs, idleTimeoutMs, bulk} = {}) {
			signal?.throwIfAborted();
			const target = new URL(url);
			loaded ??= loadUndici();
			const undici = await loaded;
			try {
				const proxy = proxyFor(target, options.proxy);
				const timeout = connectTimeoutMs ?? options.connectTimeoutMs ?? 30_000;
				if (bulk === true && method === 'GET' && proxy === undefined && !withoutLengths.has(target.origin)) {
					const route = {options, trust, tls, proxy, timeout, target, alerts};
					const all = {...basicLogin(target), ...headers};
					const waitMs = idleTimeoutMs ?? options.idleTimeoutMs ?? 60_000;
					const answer = await receiveBulk(onread => connectOnce(undici, route, onread), headOf(target, all), {
						signal,
						idleTimeoutMs: waitMs,
					});
					if (answer !== undefined) return responseOf(answer, target, signal);
					withoutLengths.add(target.origin);
				}
				const key = `${timeout} ${target.protocol} ${proxy?.origin} ${keyOf(tls)}`;
				const made =
					dispatchers.get(key) ?? createDispatcher(undici, {options, trust, tls, proxy, timeout, target, alerts});
				dispatchers.set(key, made);
				const request = {
					origin: target.origin,
					path: `${target.pathname}${target.search}`,
					method,
					headers: {...basicLogin(target), ...headers},
					// undici would end the connection after each HEAD, for servers that send a body with it: such an answer fails, and is asked for again.
					reset: false,
					...(body === undefined ? {} : {body: body as Dispatcher.DispatchOptions['body'] & object}),
					...(idleTimeoutMs === undefined ? {} : {headersTimeout: idleTimeoutMs, bodyTimeout: idleTimeoutMs}),
				};
				const dispatcher = await made;
				const answer = await receiveAnswer(handler => dispatcher.dispatch(request, handler), {method, signal});
				return responseOf(answer, target, signal);
			} catch (error) {
				throw networkError(takeAlert(alerts, target, error) ?? error, target, signal);
			}
		},
		async close() {
			// One that could not be made has nothing to close.
			await Promise.all([...dispatchers.values()].map(async made => (await made.catch(() => undefined))?.close()));
			dispatchers.clear();
		},
	};
}

type Undici = Awaited<ReturnType<typeof loadUndici>>;

async function loadUndici() {
	const [agent, connect] = await Promise.all([
		import('undici/lib/dispatcher/agent.js'),
		import('undici/lib/core/connect.js'),
	]);
	return {Agent: agent.default, buildConnector: connect.default};
}

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

interface Route {
	readonly options: HttpClientOptions;
	readonly trust: Trust;
	readonly tls: HttpTls | undefined;
	readonly proxy: ProxyRoute | undefined;
	readonly timeout: number;
	readonly target: URL;
	/** Why TLS was given up after the handshake, by host and port. */
	readonly alerts: Map<string, Error>;
}

/** A server that does not like our certificate says so once we believe to be connected; undici tells of a cut then. */
function takeAlert(alerts: Route['alerts'], url: URL, error: unknown): Error | undefined {
	if (systemCode(error) !== 'UND_ERR_SOCKET') return undefined;
	const found = alerts.get(url.host);
	alerts.delete(url.host);
	return found;
}

const keys = new WeakMap<HttpTls, string>();

/** Settings with the same content share connections, whoever made them. */
function keyOf(tls: HttpTls | undefined): string {
	if (tls === undefined) return '';
	const key = keys.get(tls) ?? JSON.stringify([tls.ca, tls.pinned, tls.client, tls.insecure]);
	keys.set(tls, key);
	return key;
}

async function createDispatcher(undici: Undici, route: Route): Promise<Dispatcher> {
	const {options, trust, tls, proxy, timeout, target} = route;
	const idle = options.idleTimeoutMs ?? 60_000;
	const settings = {
		headersTimeout: idle,
		bodyTimeout: idle,
		connections: options.connections ?? 16,
		allowH2: false,
	};
	if (proxy === undefined) return new undici.Agent({...settings, connect: createConnector(undici, route)});
	const isSecure = target.protocol === 'https:';
	// The whole of undici: tunnels need what its entry adds to the parts.
	const {ProxyAgent} = await import('undici');
	return new ProxyAgent({
		...settings,
		uri: proxy.origin,
		...(proxy.authorization === undefined ? {} : {token: proxy.authorization}),
		// Proxies open tunnels to the ports of TLS alone; plain requests they forward.
		proxyTunnel: isSecure,
		proxyTls: {timeout, ...(proxy.origin.startsWith('https:') ? {secureContext: await trust.whole(undefined)} : {})},
		requestTls: {
			timeout,
			checkServerIdentity: identityProblem,
			...(isSecure ? {secureContext: await trust.whole(tls)} : {}),
			...(tls?.insecure === true ? {rejectUnauthorized: false} : {}),
		},
	});
}

/**
 * Most certificates are signed by an authority that Node brings along, whose list costs nothing. Only when one is not, the
 * whole list is loaded and the connection made again: nothing was sent over the first.
 */
function createConnector(
	undici: Undici,
	{trust, tls, timeout, alerts}: Route,
	onread?: ReadInto,
): buildConnector.connector {
	const build = (secureContext: ReturnType<Trust['first']>): buildConnector.connector =>
		undici.buildConnector({
			timeout,
			checkServerIdentity: identityProblem,
			...(onread === undefined ? {} : {onread}),
			...(secureContext === undefined ? {} : {secureContext}),
			...(tls?.insecure === true ? {rejectUnauthorized: false} : {}),
		});
	let first: buildConnector.connector | undefined;
	let whole: Promise<buildConnector.connector> | undefined;
	const connectWhole = (options: buildConnector.Options, callback: buildConnector.Callback): void => {
		whole ??= trust.whole(tls).then(build);
		whole.then(
			connect => connect(options, callback),
			(error: unknown) => callback(error as Error, null),
		);
	};
	return (options, done) => {
		const callback: buildConnector.Callback = (...[error, socket]) => {
			if (error !== null) return done(error, null);
			socket.once('error', (reason: Error) => {
				if (systemCode(reason)?.startsWith('ERR_SSL_') === true) alerts.set(options.host ?? '', reason);
			});
			done(null, socket);
		};
		if (whole !== undefined) {
			connectWhole(options, callback);
			return;
		}
		try {
			first ??= build(trust.first(tls));
		} catch (error) {
			callback(error as Error, null);
			return;
		}
		first(options, (...[error, socket]) => {
			if (error !== null && untrustedCodes.has(systemCode(error) ?? '') && trust.hasMore(tls))
				connectWhole(options, callback);
			else if (error === null) callback(null, socket);
			else callback(error, null);
		});
	};
}

/** A connection that belongs to one exchange. */
function connectOnce(undici: Undici, route: Route, onread: ReadInto): Promise<Socket> {
	const {hostname, host, protocol, port} = route.target;
	const target = {hostname: hostname.replace(/^\[|\]$/g, ''), host, protocol, port};
	return new Promise((resolve, reject) => {
		createConnector(
			undici,
			route,
			onread,
		)(target, (...[error, socket]) => {
			if (error !== null) reject(error);
			else resolve(socket);
		});
	});
}

/** The head of a GET (RFC 9112, section 3). Nothing that comes in may end a line. */
function headOf(target: URL, headers: Readonly<Record<string, string>>): string {
	const fields = Object.entries({host: target.host, connection: 'close', ...headers});
	const lines = [
		`GET ${target.pathname}${target.search} HTTP/1.1`,
		...fields.map(([name, value]) => `${name}: ${value}`),
	];
	if (lines.some(line => /[\0\r\n]/.test(line))) throw new TypeError('A header holds a line break');
	return `${lines.join('\r\n')}\r\n\r\n`;
}

function basicLogin(url: URL): Record<string, string> {
	if (url.username === '' && url.password === '') return {};
	const login = `${decodePercents(url.username)}:${decodePercents(url.password)}`;
	return {authorization: `Basic ${Buffer.from(login).toString('base64')}`};
}

function responseOf(answer: HttpAnswer, url: URL, signal: AbortSignal | undefined): HttpResponse {
	return {
		status: answer.status,
		header(name) {
			const value = answer.headers[name.toLowerCase()];
			return typeof value === 'string' ? value : value?.join(', ');
		},
		body: translateErrors(answer.body, error => networkError(error, url, signal)),
		discard: answer.discard,
	};
}

function networkError(error: unknown, url: URL, signal: AbortSignal | undefined): unknown {
	if (signal?.aborted === true) return signal.reason;
	if (isSealError(error)) return error;
	const code = systemCode(error);
	const reason = proxyRefusal(error) ?? reasons[code ?? ''] ?? (error as Error).message;
	return new SealError('ERR_NETWORK', `${redactUrl(url)} cannot be read: ${reason}`, {
		hint: hints[code ?? ''],
		details: {url: redactUrl(url), ...(code === undefined ? {} : {systemCode: code})},
		cause: error,
	});
}

/** undici has no codes for what a proxy answers. */
function proxyRefusal(error: unknown): string | undefined {
	const {message} = error as Error;
	if (/Proxy Authentication Required|Proxy response \(407\)/.test(message)) return 'the proxy wants a login';
	const status = /^Proxy response \((\d+)\)/.exec(message)?.[1];
	return status === undefined ? undefined : `the proxy answers with status ${status}`;
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
