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

/**
 * Asks an endpoint from its own host, where also what listens on loopback alone can be reached, and checks nothing: that is done with the answer.
 * Only an abort, and a host that is lost, reject.
 */
export async function askEndpoint(
	transport: Transport,
	endpoint: TlsEndpoint,
	{signal}: Abortable = {},
): Promise<Served> {
	const deadline = AbortSignal.timeout(handshakeMs);
	const stop = new AbortController();
	const signals = [deadline, stop.signal, ...(signal === undefined ? [] : [signal])];
	const argv = ['sh', '-c', dialScript, 'sealimage-dial', endpoint.address, String(endpoint.port)];
	const running = await transport.spawn(argv, {signal: AbortSignal.any(signals), as: 'login'});
	running.stderr.resume();
	const exit = running.exit.catch(() => undefined);
	try {
		const joined = Duplex.from({readable: running.stdout, writable: running.stdin});
		const pem = await Promise.race([handshake(joined), exit.then(ended => ended?.code ?? 0)]);
		if (typeof pem === 'string') return {endpoint, pem};
		return {endpoint, ...refusal(pem)};
	} catch (error) {
		signal?.throwIfAborted();
		// The program's end says more than the stream that broke with it.
		const ended = await Promise.race([exit, setTimeout(500, undefined, {ref: false})]);
		if (ended?.code !== undefined && ended.code !== 0) return {endpoint, ...refusal(ended.code)};
		return {endpoint, why: deadline.aborted ? 'it does not answer' : wordsOf(error), isRefused: false};
	} finally {
		stop.abort();
		await exit;
	}
}

const handshakeMs = 10_000;

function refusal(code: number): {readonly why: string; readonly isRefused: boolean} {
	if (code === 112) return {why: 'the host has no bash, nc or python3 to ask it with', isRefused: false};
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

/** Of an error of TLS, what a reader can use. */
function wordsOf(error: unknown): string {
	const {code, message} = error as {code?: unknown; message?: unknown};
	if (typeof code === 'string' && code.startsWith('ERR_SSL_')) return 'it does not speak TLS as we do';
	return typeof message === 'string' ? message.slice(0, 200) : 'the handshake failed';
}
