import {SealError} from '../../../core/errors.js';
import {isDigest} from '../../../oci/digest.js';
import type {BlobParts} from '../../content/part.js';
import {type AnnouncedBlob, parseAnnounced} from '../../distribute/announce.js';
import {ownAddresses, type RelayAddress} from '../../relay/addresses.js';
import {keyBytes} from '../../relay/key.js';
import {openRelay} from '../../relay/server.js';
import {relaySession, sessionContent} from '../../relay/session.js';
import type {AgentVerb} from '../protocol.js';

/** As it comes over the wire. */
export interface ServeParams {
	/** What this host is to fetch from others in this session. */
	readonly expect: readonly AnnouncedBlob[];
	/** Digests of blobs that others may have of it. */
	readonly give: readonly string[];
	/** The relay's key, in hexadecimal digits; without one nothing listens. */
	readonly key?: string | undefined;
	/** Addresses of this host to listen on first. */
	readonly prefer: readonly string[];
	readonly lifetimeMs: number;
}

export interface ServeResult {
	readonly addresses: readonly RelayAddress[];
}

interface Parsed {
	readonly expect: ReadonlyMap<string, BlobParts>;
	readonly give: readonly string[];
	readonly key: Buffer | undefined;
	readonly prefer: readonly string[];
	readonly lifetimeMs: number;
}

const longestLifetimeMs = 24 * 60 * 60 * 1000;

/**
 * Tells a host what it will get, and lets it give that to others: its relay listens on its own addresses until the session
 * ends. A second call adds to the first.
 */
export const serve: AgentVerb<Parsed, ServeResult> = {
	name: 'serve',
	parse: parseServe,
	async run(params, {session, root, defer, signal}) {
		const shared = relaySession(session);
		for (const blob of params.expect.values()) shared.expected.set(blob.blob, blob);
		for (const digest of params.give) shared.gives.add(digest);
		if (params.key === undefined) return {addresses: []};
		if (shared.relay === undefined) {
			const relay = await openRelay({
				content: sessionContent(session, root),
				addresses: ownAddresses(params.prefer),
				key: params.key,
				gives: blob => shared.gives.has(blob),
				lifetimeMs: params.lifetimeMs,
			});
			shared.relay = relay;
			defer(() => relay.close());
			signal.throwIfAborted();
		}
		return {addresses: shared.relay.addresses};
	},
};

function parseServe(value: unknown): Parsed {
	const {expect, give, key, prefer, lifetimeMs} = (value ?? {}) as Partial<ServeParams>;
	if (!Array.isArray(give) || !give.every(isDigest)) throw wrong('What to give is no list of digests');
	if (key !== undefined && !(typeof key === 'string' && key.length === keyBytes * 2 && /^[0-9a-f]+$/.test(key)))
		throw wrong('The key is none');
	if (!Array.isArray(prefer) || !prefer.every(address => typeof address === 'string'))
		throw wrong('The addresses are no list of texts');
	if (!(typeof lifetimeMs === 'number' && lifetimeMs > 0 && lifetimeMs <= longestLifetimeMs))
		throw wrong('The time to listen is none');
	return {
		expect: parseAnnounced(expect),
		give,
		key: key === undefined ? undefined : Buffer.from(key, 'hex'),
		prefer,
		lifetimeMs,
	};
}

function wrong(message: string): SealError {
	return new SealError('ERR_USAGE', message);
}
