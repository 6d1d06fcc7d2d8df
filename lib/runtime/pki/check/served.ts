import type {X509Certificate} from 'node:crypto';
import {Duplex} from 'node:stream';
import {setTimeout} from 'node:timers/promises';
import {connect, type DetailedPeerCertificate, type TLSSocket} from 'node:tls';
import type {Abortable} from '../../../core/events.js';
import type {Transport} from '../../transport/transport.js';
import type {TlsEndpoint} from './endpoints.js';
import {dialScript} from './script.js';

/** What an endpoint serves, or why it could not be asked. */
export type Served =
	/** PEM: the certificate, followed by those that it sends with it. */
	| {readonly endpoint: TlsEndpoint; readonly pem: string}
	| {readonly endpoint: TlsEndpoint; readonly why: string; readonly isRefused: boolean};

export interface AskOptions extends Abortable {
	/** For the whole of one endpoint. Default 10 s. */
	readonly timeoutMs?: number | undefined;
}

/**
 * Asks an endpoint from its own host, where also what listens on loopback alone can be reached, and checks nothing: that is done with the answer.
 * Only an abort, and a host that does not start commands, reject.
 */
export async function askEndpoint(
	transport: Transport,
	endpoint: TlsEndpoint,
	{signal, timeoutMs = 10_000}: AskOptions = {},
): Promise<Served> {
	const deadline = AbortSignal.timeout(timeoutMs);
	const stop = new AbortController();
	const signals = [deadline, stop.signal, ...(signal === undefined ? [] : [signal])];
	const argv = ['sh', '-c', dialScript, 'sealimage-dial', endpoint.address, String(endpoint.port)];
	const running = await transport.spawn(argv, {signal: AbortSignal.any(signals), as: 'login'});
	running.stderr.resume();
	const exit = running.exit.catch(() => undefined);
	const joined = Duplex.from({readable: running.stdout, writable: running.stdin});
	try {
		const pem = await Promise.race([handshake(joined), exit.then(() => undefined)]);
		if (pem !== undefined) return {endpoint, pem};
	} catch {
		// How the program ends says more than the stream that broke with it.
		await Promise.race([exit, setTimeout(500, undefined, {ref: false})]);
	} finally {
		stop.abort();
		joined.destroy();
	}
	signal?.throwIfAborted();
	const ended = await exit;
	if (deadline.aborted) return {endpoint, why: 'it does not answer', isRefused: false};
	return {endpoint, ...refusal(ended?.code)};
}

/** @param code undefined when the program had to be stopped */
function refusal(code: number | undefined): {readonly why: string; readonly isRefused: boolean} {
	if (code === 112) return {why: 'the host has no bash, nc or python3 to ask it with', isRefused: false};
	if (code === undefined || code === 0) return {why: 'it does not speak TLS as we do', isRefused: false};
	return {why: 'nothing listens there', isRefused: true};
}

function handshake(stream: Duplex): Promise<string> {
	return new Promise((resolve, reject) => {
		const socket: TLSSocket = connect({socket: stream, rejectUnauthorized: false, minVersion: 'TLSv1.2'});
		socket.once('secureConnect', () => {
			// etcd refuses clients without a certificate, but in TLS 1.3 only after it has shown its own.
			resolve(chainOf(socket.getPeerCertificate(true)));
			socket.destroy();
		});
		socket.on('error', reject);
		stream.on('error', reject);
		socket.once('close', () => reject(new Error('the connection was closed')));
	});
}

function chainOf(first: DetailedPeerCertificate | undefined): string {
	const pems: string[] = [];
	let next: DetailedPeerCertificate | undefined = first;
	// A root names itself as its issuer.
	while (next?.raw !== undefined && pems.length < 10) {
		pems.push(pemOf(next.raw));
		next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
	}
	return pems.join('');
}

function pemOf(der: X509Certificate['raw']): string {
	return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
}
