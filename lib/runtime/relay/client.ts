import type {OnReadOpts} from 'node:net';
import {connect, type TLSSocket} from 'node:tls';
import type {Bytes} from '../../core/bytes.js';
import {SealError, systemCode} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import type {Part} from '../content/part.js';
import type {RelayAddress} from './addresses.js';
import {createInbox, type Inbox} from './inbox.js';
import {tlsOptions} from './key.js';
import {watchSilence} from './silence.js';
import {formatLine} from './wire.js';

/** Where a part can be had, and what proves who asks. */
export interface RelaySource {
	/** For messages. */
	readonly name: string;
	/** Tried in this order. */
	readonly addresses: readonly RelayAddress[];
	readonly identity: string;
	readonly key: Buffer;
}

export interface RelayedPart {
	/** The address that answered. */
	readonly address: RelayAddress;
	/** Exactly the size of the part; whether they are the right bytes is for the caller to check. Read it, or leave it early. */
	readonly bytes: Bytes;
}

const connectMs = 4000;
/** A source that sends nothing for so long is dead. */
const silenceMs = 10_000;

/**
 * Asks the relay of another host for a part.
 * @throws SealError ERR_RELAY: nobody answers at any of the addresses, the key is wrong, or the part is not there
 */
export async function fetchPart(source: RelaySource, part: Part, options: Abortable = {}): Promise<RelayedPart> {
	const failures: string[] = [];
	for (const address of source.addresses) {
		options.signal?.throwIfAborted();
		const inbox = createInbox(part);
		let socket: TLSSocket;
		try {
			socket = await open(source, address, inbox, options.signal);
		} catch (error) {
			options.signal?.throwIfAborted();
			failures.push(`${address.address}: ${systemCode(error) ?? (error as Error).message}`);
			continue;
		}
		return {address, bytes: read(socket, inbox, source, part, options)};
	}
	const tried = failures.length === 0 ? 'it has no address' : failures.join(', ');
	throw new SealError('ERR_RELAY', `${source.name} cannot be reached from here (${tried})`);
}

/** A record of TLS brings 16 KiB at most. */
const recordBytes = 16 * 1024;

async function open(
	{identity, key}: RelaySource,
	{address, port}: RelayAddress,
	inbox: Inbox,
	signal: AbortSignal | undefined,
): Promise<TLSSocket> {
	const buffer = Buffer.allocUnsafeSlow(recordBytes);
	const onread: OnReadOpts = {buffer, callback: count => inbox.push(buffer.subarray(0, count))};
	const socket = connect({
		...tlsOptions,
		host: address,
		port,
		// There are no certificates: knowing the key is the proof, both ways.
		checkServerIdentity: () => undefined,
		pskCallback: () => ({psk: key, identity}),
		// Sockets of TLS take it as those of TCP do, which their types do not say.
		...{onread},
	});
	const abort = (): void => void socket.destroy(signal?.reason as Error);
	signal?.addEventListener('abort', abort, {once: true});
	const timer = setTimeout(() => socket.destroy(new Error('no answer')), connectMs);
	try {
		await new Promise<void>((resolve, reject) => {
			socket.once('secureConnect', resolve);
			socket.once('error', reject);
			socket.once('close', () => reject(new Error('closed')));
		});
		return socket;
	} catch (error) {
		socket.destroy();
		throw error;
	} finally {
		clearTimeout(timer);
		signal?.removeEventListener('abort', abort);
	}
}

async function* read(
	socket: TLSSocket,
	inbox: Inbox,
	source: RelaySource,
	part: Part,
	{signal}: Abortable,
): AsyncGenerator<Uint8Array> {
	const abort = (): void => inbox.fail(signal?.reason as Error);
	signal?.addEventListener('abort', abort, {once: true});
	socket.on('error', error => inbox.fail(error));
	for (const event of ['end', 'close']) socket.on(event, () => inbox.fail(new Error('the connection was cut')));
	const silence = watchSilence(
		() => inbox.receivedBytes(),
		silenceMs,
		() => {
			inbox.fail(new Error(`nothing for ${silenceMs / 1000} s`));
		},
	);
	try {
		signal?.throwIfAborted();
		socket.write(formatLine(part));
		yield* inbox.bytes();
	} catch (error) {
		signal?.throwIfAborted();
		throw new SealError(
			'ERR_RELAY',
			`Part ${part.index} cannot be fetched from ${source.name}: ${(error as Error).message}`,
		);
	} finally {
		silence.stop();
		signal?.removeEventListener('abort', abort);
		socket.destroy();
	}
}
