import type {Bytes} from '../../../core/bytes.js';
import {type ErrorReport, hasCode, isSealError, SealError} from '../../../core/errors.js';
import {isDigest} from '../../../oci/digest.js';
import {acceptableAddresses, type RelayAddress} from '../../relay/addresses.js';
import {fetchPart, type RelaySource} from '../../relay/client.js';
import {keyBytes} from '../../relay/key.js';
import {relaySession, sessionContent} from '../../relay/session.js';
import type {AgentVerb} from '../protocol.js';

/** As it comes over the wire. */
export interface FetchParams {
	/** A blob that `serve` announced, and the number of one of its parts. */
	readonly blob: string;
	readonly index: number;
	readonly from: {
		readonly name: string;
		readonly addresses: readonly RelayAddress[];
		readonly identity: string;
		/** In hexadecimal digits. */
		readonly key: string;
	};
}

/** The address that answered, or why the source is no good. What is wrong with this host itself is an error of the verb. */
export type FetchResult = {readonly address: RelayAddress} | {readonly failed: ErrorReport};

interface Parsed extends Omit<FetchParams, 'from'> {
	readonly from: RelaySource;
}

/** Fetches one part from another host, and keeps it when it is what the operator announced. */
export const fetch: AgentVerb<Parsed, FetchResult> = {
	name: 'fetch',
	parse: parseFetch,
	async run({blob: digest, index, from}, {session, root, signal}) {
		const blob = relaySession(session).expected.get(digest as never);
		const part = blob?.parts[index];
		if (blob === undefined || part === undefined)
			throw new SealError('ERR_USAGE', `Part ${index} of ${digest} was not announced`);
		let blamed: unknown;
		try {
			const {address, bytes} = await fetchPart(from, part, {signal});
			const watched = watch(bytes, error => {
				blamed = error;
			});
			await sessionContent(session, root).writePart(blob, part, watched, {signal});
			return {address};
		} catch (error) {
			signal.throwIfAborted();
			const culprit = blamed ?? (isSourcesFault(error) ? error : undefined);
			if (isSealError(culprit)) return {failed: culprit.toJSON()};
			throw error;
		}
	},
};

/** Wrong bytes are what the source sent: what arrives is checked before it is stored. */
function isSourcesFault(error: unknown): boolean {
	return hasCode(error, 'ERR_RELAY') || hasCode(error, 'ERR_CONTENT_DIGEST') || hasCode(error, 'ERR_CONTENT_SIZE');
}

/** The same bytes; what breaks them is told apart from what breaks their storing. */
async function* watch(bytes: Bytes, onError: (error: unknown) => void): AsyncGenerator<Uint8Array> {
	try {
		yield* bytes;
	} catch (error) {
		onError(error);
		throw error;
	}
}

function parseFetch(value: unknown): Parsed {
	const {blob, index, from} = (value ?? {}) as Partial<FetchParams>;
	if (!isDigest(blob) || !Number.isSafeInteger(index)) throw wrong('No part is named');
	const {name, addresses, identity, key} = (from ?? {}) as Partial<FetchParams['from']>;
	if (typeof name !== 'string' || typeof identity !== 'string') throw wrong('The source has no name');
	if (typeof key !== 'string' || key.length !== keyBytes * 2 || !/^[0-9a-f]+$/.test(key))
		throw wrong('The key is none');
	return {
		blob,
		index: index as number,
		from: {name, addresses: acceptableAddresses(addresses), identity, key: Buffer.from(key, 'hex')},
	};
}

function wrong(message: string): SealError {
	return new SealError('ERR_USAGE', message);
}
