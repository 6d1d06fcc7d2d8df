import {randomBytes} from 'node:crypto';
import {isIP} from 'node:net';
import {formatBytes} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import type {Digest} from '../../oci/digest.js';
import type {AgentConnection} from '../agent/protocol.js';
import type {FetchParams, FetchResult} from '../agent/verbs/fetch.js';
import type {ServeParams, ServeResult} from '../agent/verbs/serve.js';
import type {BlobQuery, BlobState} from '../content/content.js';
import type {BlobParts, Part} from '../content/part.js';
import {HostError} from '../host/error.js';
import {acceptableAddresses, type RelayAddress} from '../relay/addresses.js';
import {keyBytes, pairKey} from '../relay/key.js';
import {announce} from './announce.js';
import {parseStates} from './states.js';
import type {Uplink} from './uplink.js';
import type {DistributionHost} from './world.js';

export interface AgentHostOptions {
	/** The host's name in reports. */
	readonly name: string;
	/** How the operator reaches it: its relay prefers this address. */
	readonly address: string;
	readonly connection: AgentConnection;
	/** The blobs that the host is to have. */
	readonly blobs: readonly {readonly digest: Digest; readonly size: number}[];
	/** What is known of them; asked for when the host begins to serve. */
	readonly announced: () => readonly BlobParts[];
	/** The operator's own channel to the host; opened when the first part goes there. */
	readonly openUplink: () => Uplink;
}

/** A real host, through its agent. */
export interface AgentHost extends DistributionHost {
	close(): Promise<void>;
}

/** Long enough for any distribution; the relay closes with the session anyway. */
const relayLifetimeMs = 6 * 60 * 60 * 1000;

interface Endpoint {
	readonly key: Buffer;
	/** The one that answered last comes first. */
	addresses: readonly RelayAddress[];
}

/** Where the relays of hosts are. What a host says of itself is kept here and nowhere else. */
const endpoints = new WeakMap<DistributionHost, Endpoint>();

export function createAgentHost(options: AgentHostOptions): AgentHost {
	const {name, connection} = options;
	let uplink: Uplink | undefined;
	const host: AgentHost = {
		name,
		async have(blobs, {signal} = {}) {
			const {states, freeBytes} = await askHave(connection, blobs, {signal});
			checkSpace(options, states, freeBytes);
			return states;
		},
		async send(blob, part, {signal} = {}) {
			uplink ??= options.openUplink();
			await uplink.send(blob, part, {signal});
		},
		async serve({signal} = {}) {
			const key = randomBytes(keyBytes);
			const params: ServeParams = {
				expect: options.announced().map(announce),
				give: options.blobs.map(blob => blob.digest),
				key: key.toString('hex'),
				prefer: isIP(options.address) === 0 ? [] : [options.address],
				lifetimeMs: relayLifetimeMs,
			};
			const answer = (await callWithin(serveMs, connection, 'serve', params, {signal})) as Partial<ServeResult> | null;
			const addresses = acceptableAddresses(answer?.addresses);
			endpoints.set(host, {key, addresses});
			return addresses.length > 0;
		},
		fetch: async (blob, part, from, {signal} = {}) => await askFetch(options, blob, part, from, {signal}),
		async close() {
			await uplink?.close();
		},
	};
	return host;
}

/** After a boot a host reads its content again before it answers. */
const haveMs = 15 * 60_000;
const serveMs = 60_000;

/** A call that must be answered in time. @throws HostError ERR_AGENT_LOST when it is not */
async function callWithin(
	ms: number,
	connection: AgentConnection,
	verb: string,
	params: unknown,
	{signal}: Abortable,
): Promise<unknown> {
	const late = new AbortController();
	const reason = new HostError(
		connection.host,
		'ERR_AGENT_LOST',
		`The agent does not answer to ${verb} in ${ms / 1000} s`,
	);
	const timer = setTimeout(() => late.abort(reason), ms);
	try {
		return await connection.call(verb, params, {
			signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
		});
	} finally {
		clearTimeout(timer);
	}
}

export interface HostHas {
	readonly states: readonly BlobState[];
	/** What the disk takes before content is refused. */
	readonly freeBytes: number;
}

/** Asks a host what it has of some blobs. @throws HostError */
export async function askHave(
	connection: AgentConnection,
	blobs: readonly BlobQuery[],
	options: Abortable,
): Promise<HostHas> {
	const answer = (await callWithin(haveMs, connection, 'have', {blobs}, options)) as {
		blobs?: unknown;
		freeBytes?: unknown;
	} | null;
	const {freeBytes} = answer ?? {};
	return {
		states: parseStates(connection.host, answer?.blobs, blobs),
		freeBytes: typeof freeBytes === 'number' ? freeBytes : Number.POSITIVE_INFINITY,
	};
}

/** A disk that is too full is told before anything moves. Unpacking checks again, when it knows more. */
function checkSpace({name, blobs}: AgentHostOptions, states: readonly BlobState[], freeBytes: number): void {
	const there = new Set(states.filter(({state}) => state === 'whole' || state === 'unpacked').map(({blob}) => blob));
	const neededBytes = blobs.reduce((sum, {digest, size}) => (there.has(digest) ? sum : sum + size), 0);
	if (neededBytes <= freeBytes) return;
	throw new HostError(
		name,
		'ERR_NO_SPACE',
		`The disk takes ${formatBytes(freeBytes)} more, and ${formatBytes(neededBytes)} are to come`,
		{
			hint: 'Free space below /var/lib/sealimage, for example with "sealimage-agent gc".',
			details: {freeBytes, neededBytes},
		},
	);
}

async function askFetch(
	{name, connection}: AgentHostOptions,
	{blob}: BlobParts,
	{index}: Part,
	from: DistributionHost,
	{signal}: Abortable,
): Promise<void> {
	const endpoint = endpoints.get(from);
	if (endpoint === undefined) throw new SealError('ERR_RELAY', `${from.name} does not serve`);
	const params: FetchParams = {
		blob,
		index,
		from: {
			name: from.name,
			addresses: endpoint.addresses,
			identity: name,
			key: pairKey(endpoint.key, name).toString('hex'),
		},
	};
	const answer = (await connection.call('fetch', params, {signal})) as Partial<
		FetchResult & {failed: {message?: unknown}; address: RelayAddress}
	> | null;
	if (answer?.failed !== undefined)
		throw new SealError('ERR_RELAY', String(answer.failed.message ?? 'no reason').slice(0, 500));
	const worked = endpoint.addresses.find(
		({address, port}) => address === answer?.address?.address && port === answer.address.port,
	);
	if (worked !== undefined && worked !== endpoint.addresses[0])
		endpoint.addresses = [worked, ...endpoint.addresses.filter(address => address !== worked)];
}
