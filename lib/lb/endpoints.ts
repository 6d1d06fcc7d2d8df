import type {IncomingMessage} from 'node:http';
import {type Agent, request} from 'node:https';
import {setTimeout as sleep} from 'node:timers/promises';
import {SealError} from '../core/errors.js';
import type {Abortable} from '../core/events.js';
import {addressBytes, addressText} from '../core/ip-address.js';
import {identityProblem} from '../core/server-identity.js';
import {type Member, memberKey, memberLimit} from './spec.js';

/** How the cluster's API is asked. */
export interface ApiAccess {
	/** `https://10.103.97.2:6443` */
	readonly server: string;
	/** With the authority and the client's certificate. */
	readonly agent: Agent;
	/** A bearer token, where there is no certificate. */
	readonly token?: string | undefined;
}

const objects = '/api/v1/namespaces/default/endpoints';
/** A watch is begun anew after so long; the API server spreads the ends by itself. */
const watchSeconds = 300;
/** Who may not watch asks so often. */
const pollMs = 30_000;
/** More in one line is no list of masters. */
const lineLimitBytes = 1024 * 1024;

/**
 * Calls `onMembers` with the addresses of the service `kubernetes` now and at each change, until the API server ends the watch or the
 * signal aborts. A kubelet's login may read this object but not watch it: then it is read every half minute. Empty lists are
 * passed over: a control plane that is restored has none for a moment.
 * @throws SealError ERR_LB_ENDPOINTS
 */
export async function watchEndpoints(
	access: ApiAccess,
	onMembers: (members: readonly Member[]) => void,
	options: Abortable,
): Promise<void> {
	const query = `fieldSelector=metadata.name%3Dkubernetes&watch=true&timeoutSeconds=${watchSeconds}`;
	const tell = (members: readonly Member[]): void => {
		if (members.length > memberLimit) throw refused(access, `there are ${members.length} of them`);
		if (members.length > 0) onMembers(members);
	};
	const response = await get(access, `${objects}?${query}`, options);
	if (response.statusCode === 403) {
		response.destroy();
		await poll(access, tell, options);
		return;
	}
	try {
		for await (const line of linesOf(checked(response, access), access)) {
			const event = readEvent(line, access);
			if (event === 'too old') return;
			tell(event);
		}
	} finally {
		response.destroy();
	}
}

/** As long as a watch lasts: by then it may be allowed. */
async function poll(
	access: ApiAccess,
	onMembers: (members: readonly Member[]) => void,
	{signal}: Abortable,
): Promise<void> {
	for (let leftMs = watchSeconds * 1000; leftMs > 0; leftMs -= pollMs) {
		const response = await get(access, `${objects}/kubernetes`, {signal});
		try {
			let text = '';
			for await (const line of linesOf(checked(response, access), access)) text += line;
			onMembers(membersOf(parse(text, access) as Endpoints | null));
		} finally {
			response.destroy();
		}
		await sleep(pollMs, undefined, {signal});
	}
}

function get(access: ApiAccess, target: string, {signal}: Abortable): Promise<IncomingMessage> {
	const {server, agent, token} = access;
	return new Promise((resolve, reject) => {
		const asked = request(new URL(target, server), {
			agent,
			checkServerIdentity: identityProblem,
			timeout: 10_000,
			headers: {
				accept: 'application/json',
				'user-agent': 'sealimage-lb',
				...(token === undefined ? {} : {authorization: `Bearer ${token}`}),
			},
			...(signal === undefined ? {} : {signal}),
		});
		asked.once('response', resolve);
		// Between events a watch may be silent for as long as it lasts.
		asked.once('socket', socket => socket.setKeepAlive(true, 10_000));
		asked.on('timeout', () => asked.destroy(new Error('no answer in 10 s')));
		asked.once('response', () => asked.setTimeout((watchSeconds + 30) * 1000));
		asked.once('error', error => reject(refused(access, error.message, error)));
		asked.end();
	});
}

function checked(response: IncomingMessage, access: ApiAccess): IncomingMessage {
	if (response.statusCode === 200) return response;
	response.destroy();
	throw refused(access, `HTTP ${response.statusCode}`);
}

/** Lines that are not empty, none longer than the limit. A connection that breaks is an end as any other: the watch begins anew. */
async function* linesOf(response: IncomingMessage, access: ApiAccess): AsyncGenerator<string> {
	let rest = '';
	response.setEncoding('utf8');
	for await (const chunk of response as AsyncIterable<string>) {
		const lines = (rest + chunk).split('\n');
		rest = lines.pop() ?? '';
		if (Math.max(rest.length, ...lines.map(line => line.length)) > lineLimitBytes)
			throw refused(access, 'a line is too long');
		yield* lines.filter(line => line.trim() !== '');
	}
	if (rest.trim() !== '') yield rest;
}

interface Endpoints {
	readonly subsets?: unknown;
}

/** One line of a watch: `{"type": "ADDED", "object": {"subsets": [{"addresses": [{"ip": ...}], "ports": [{"port": ...}]}]}}`. */
function readEvent(line: string, access: ApiAccess): readonly Member[] | 'too old' {
	const event = parse(line, access) as {
		type?: unknown;
		object?: Endpoints & {code?: unknown; message?: unknown};
	} | null;
	if (event?.type === 'ERROR') {
		// The server has forgotten where we are: 410 Gone.
		if (event.object?.code === 410) return 'too old';
		throw refused(access, 'the watch ends with an error');
	}
	return event?.type === 'ADDED' || event?.type === 'MODIFIED' ? membersOf(event.object) : [];
}

function parse(text: string, access: ApiAccess): unknown {
	try {
		return JSON.parse(text);
	} catch (error) {
		throw refused(access, 'a line is no JSON', error);
	}
}

function membersOf(endpoints: Endpoints | null | undefined): readonly Member[] {
	const subsets = Array.isArray(endpoints?.subsets) ? (endpoints.subsets as readonly unknown[]) : [];
	const members = subsets.flatMap(subset => readSubset(subset as {addresses?: unknown; ports?: unknown} | null));
	return [...new Map(members.map(member => [memberKey(member), member])).values()];
}

function readSubset(subset: {addresses?: unknown; ports?: unknown} | null): readonly Member[] {
	const addresses = Array.isArray(subset?.addresses) ? (subset.addresses as {ip?: unknown}[]) : [];
	const ports = Array.isArray(subset?.ports) ? (subset.ports as {name?: unknown; port?: unknown}[]) : [];
	const port = (ports.find(({name}) => name === 'https') ?? ports[0])?.port;
	if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) return [];
	return addresses.flatMap(({ip}) => {
		try {
			return [{address: addressText(addressBytes(String(ip))), port}];
		} catch {
			return [];
		}
	});
}

function refused({server}: ApiAccess, why: string, cause?: unknown): SealError {
	return new SealError('ERR_LB_ENDPOINTS', `The members cannot be learnt from ${server}: ${why}`, {
		hint: 'The balancer goes on with the members that it knows.',
		cause,
	});
}
