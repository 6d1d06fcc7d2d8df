import {Agent, type RequestOptions, request} from 'node:https';
import {connect} from 'node:net';
import {createSecureContext, type SecureContext} from 'node:tls';
import {systemCode} from '../core/errors.js';
import {identityProblem} from '../core/server-identity.js';
import type {NextPort} from './probe-ports.js';
import type {ProbeResult} from './reconcile.js';
import type {Member, ProbeSpec} from './spec.js';

/** Asks one member whether it works, again and again over the same connection. */
export interface Prober {
	/** Always settles within the probe's time-out, and never rejects; whatever is under way then is torn down. */
	probe(): Promise<ProbeResult>;
	close(): void;
}

/** An answer is read so far, in case somebody wants to send more. */
const bodyLimitBytes = 64 * 1024;

/**
 * @param authority PEM that the member's certificate is checked with; undefined: it is not checked
 * @param nextPort where connections come from; default: the kernel chooses
 */
export function createProber(
	member: Member,
	spec: ProbeSpec,
	authority: string | undefined,
	nextPort: NextPort = () => undefined,
): Prober {
	return spec.kind === 'tcp' ? tcpProber(member, spec, nextPort) : httpsProber(member, spec, authority, nextPort);
}

function tcpProber({address, port}: Member, {timeoutMs}: ProbeSpec, nextPort: NextPort): Prober {
	const attempt = (from: LocalPort): Promise<ProbeResult | 'taken'> =>
		new Promise(resolve => {
			const socket = connect({host: address, port, ...from});
			const end = (result: ProbeResult | 'taken'): void => {
				clearTimeout(timer);
				socket.destroy();
				resolve(result);
			};
			const timer = setTimeout(() => end({kind: 'failed', why: `no connection in ${timeoutMs} ms`}), timeoutMs);
			socket.once('connect', () => end({kind: 'ready'}));
			socket.once('error', error => end(isTaken(error, from) ? 'taken' : {kind: 'failed', why: reasonOf(error)}));
		});
	return {probe: () => fromFreePort(nextPort, attempt), close() {}};
}

/** One connection is kept, so that a thousand nodes cost a server a thousand idle connections and not a thousand handshakes a second. */
function httpsProber(member: Member, spec: ProbeSpec, authority: string | undefined, nextPort: NextPort): Prober {
	const {serverName, timeoutMs} = spec;
	const expected = serverName ?? member.address;
	const agent = new Agent({
		keepAlive: true,
		maxSockets: 1,
		maxFreeSockets: 1,
		// RFC 6066: no address goes into SNI.
		servername: serverName ?? '',
		secureContext: contextFor(authority),
		// Settings of the agent: newer releases of Node keep no connection of a request that brings its own.
		...(authority === undefined
			? {rejectUnauthorized: false}
			: {checkServerIdentity: (_, certificate) => identityProblem(expected, certificate)}),
	});
	const options: RequestOptions = {
		agent,
		host: member.address,
		port: member.port,
		path: spec.path,
		headers: {host: expected, 'user-agent': 'sealimage-lb', accept: '*/*'},
	};
	return {
		probe: () => fromFreePort(nextPort, from => ask({...options, ...from}, timeoutMs)),
		close: () => agent.destroy(),
	};
}

let latest: {readonly authority: string | undefined; readonly context: SecureContext} | undefined;

/** One for all members: each connection would parse the authority anew and keep it. */
function contextFor(authority: string | undefined): SecureContext {
	if (latest === undefined || latest.authority !== authority)
		// Without an authority nothing is checked: the ones that Node knows need not be loaded.
		latest = {authority, context: createSecureContext({ca: authority ?? [], minVersion: 'TLSv1.2'})};
	return latest.context;
}

interface LocalPort {
	readonly localPort?: number | undefined;
}

/** A port may be taken: by somebody who listens there, or by a connection of before. After some of them the kernel chooses. */
async function fromFreePort(
	nextPort: NextPort,
	attempt: (from: LocalPort) => Promise<ProbeResult | 'taken'>,
): Promise<ProbeResult> {
	for (let left = portAttempts; left > 0; left--) {
		const localPort = nextPort();
		if (localPort === undefined) break;
		const result = await attempt({localPort});
		if (result !== 'taken') return result;
	}
	const result = await attempt({});
	return result === 'taken' ? {kind: 'failed', why: 'no port is free'} : result;
}

const portAttempts = 8;

function isTaken(error: Error, {localPort}: LocalPort): boolean {
	return localPort !== undefined && ['EADDRINUSE', 'EADDRNOTAVAIL'].includes(systemCode(error) ?? '');
}

function ask(options: RequestOptions & LocalPort, timeoutMs: number): Promise<ProbeResult | 'taken'> {
	return new Promise(resolve => {
		const asked = request(options);
		let isReused = false;
		const end = (result: ProbeResult | 'taken'): void => {
			clearTimeout(timer);
			resolve(result);
		};
		const timer = setTimeout(() => {
			end({kind: 'failed', why: `no answer in ${timeoutMs} ms`});
			asked.destroy();
		}, timeoutMs);
		asked.once('socket', () => {
			isReused = asked.reusedSocket;
		});
		asked.once('response', response => {
			let left = bodyLimitBytes;
			response.on('data', (chunk: Buffer) => {
				left -= chunk.length;
				if (left < 0) asked.destroy();
			});
			response.once('end', () => end(judge(response.statusCode ?? 0)));
			response.once('close', () => end(judge(response.statusCode ?? 0)));
		});
		asked.once('error', error => {
			clearTimeout(timer);
			// The server may have closed a connection that it kept for long enough: that says nothing about the server.
			if (isReused && systemCode(error) === 'ECONNRESET') ask({...options}, timeoutMs).then(resolve, resolve);
			else if (!isTaken(error, options)) end({kind: 'failed', why: reasonOf(error)});
			// A request that waits for the agent's one socket gets the port of that socket: it has to be gone first.
			else asked.once('close', () => setImmediate(() => end('taken')));
		});
		asked.end();
	});
}

/**
 * An API server that lets nobody in without a login works all the same, and so does one that has too much to do. 5xx is what `/readyz` says
 * while the server comes up or goes down.
 */
function judge(status: number): ProbeResult {
	const isAlive = (status >= 200 && status < 400) || [401, 403, 429].includes(status);
	return isAlive ? {kind: 'ready'} : {kind: 'unready', why: `HTTP ${status}`};
}

const reasons: Readonly<Record<string, string>> = {
	ECONNREFUSED: 'the connection is refused',
	ECONNRESET: 'the connection is cut',
	EHOSTUNREACH: 'the host cannot be reached',
	ENETUNREACH: 'the network cannot be reached',
	ETIMEDOUT: 'the connection timed out',
	CERT_HAS_EXPIRED: 'its certificate has expired',
	DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not from the authority of the cluster',
	SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not from the authority of the cluster',
	UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not from the authority of the cluster',
	UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not from the authority of the cluster',
	ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for other names',
};

function reasonOf(error: Error): string {
	const code = systemCode(error) ?? '';
	return reasons[code] ?? (code === '' ? error.message.slice(0, 200) : `${code}`);
}
