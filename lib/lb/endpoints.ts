import {type Agent, request} from 'node:https';
import {createInterface} from 'node:readline';
import {SealError} from '../core/errors.js';
import type {Abortable} from '../core/events.js';
import {addressBytes, addressText} from '../core/ip-address.js';
import type {Member} from './spec.js';

/** How the cluster's API is asked. */
export interface ApiAccess {
	/** `https://10.103.97.2:6443` */
	readonly server: string;
	/** With the authority and the client's certificate. */
	readonly agent: Agent;
	/** A bearer token, where there is no certificate. */
	readonly token?: string | undefined;
}

const path = '/api/v1/namespaces/default/endpoints?fieldSelector=metadata.name%3Dkubernetes';
/** A watch is begun anew after so long; the API server spreads the ends by itself. */
const watchSeconds = 300;
/** More in one line is no list of masters. */
const lineLimitBytes = 1024 * 1024;

/**
 * Calls `onMembers` with the addresses of the service `kubernetes` now and at each change, until the API server ends the watch or the
 * signal aborts. Empty lists are passed over: a control plane that is restored has none for a moment.
 * @throws SealError ERR_LB_ENDPOINTS
 */
export async function watchEndpoints(
	access: ApiAccess,
	onMembers: (members: readonly Member[]) => void,
	options: Abortable,
): Promise<void> {
	const response = await get(access, `${path}&watch=true&timeoutSeconds=${watchSeconds}`, options);
	const lines = createInterface({input: response, crlfDelay: Number.POSITIVE_INFINITY});
	try {
		for await (const line of lines) {
			if (line.length > lineLimitBytes) throw strange(access, 'a line is too long');
			if (line.trim() === '') continue;
			const members = readEvent(line, access);
			if (members.length > 0) onMembers(members);
		}
	} finally {
		response.destroy();
	}
}

function get(
	{server, agent, token}: ApiAccess,
	target: string,
	{signal}: Abortable,
): Promise<import('node:http').IncomingMessage> {
	return new Promise((resolve, reject) => {
		const asked = request(new URL(target, server), {
			agent,
			timeout: 10_000,
			headers: {
				accept: 'application/json',
				'user-agent': 'sealimage-lb',
				...(token === undefined ? {} : {authorization: `Bearer ${token}`}),
			},
			...(signal === undefined ? {} : {signal}),
		});
		asked.once('response', response => {
			if (response.statusCode === 200) resolve(response);
			else {
				response.destroy();
				reject(refused(server, `HTTP ${response.statusCode}`));
			}
		});
		// Between events a watch may be silent for as long as it lasts.
		asked.once('socket', socket => socket.setKeepAlive(true, 10_000));
		asked.on('timeout', () => asked.destroy(new Error('no answer in 10 s')));
		asked.once('response', () => asked.setTimeout((watchSeconds + 30) * 1000));
		asked.once('error', error => reject(refused(server, error.message, error)));
		asked.end();
	});
}

/** One line of a watch: `{"type": "ADDED", "object": {"subsets": [{"addresses": [{"ip": ...}], "ports": [{"port": ...}]}]}}`. */
function readEvent(line: string, access: ApiAccess): readonly Member[] {
	let event: {type?: unknown; object?: {subsets?: unknown}};
	try {
		event = (JSON.parse(line) ?? {}) as typeof event;
	} catch (error) {
		throw strange(access, 'a line is no JSON', error);
	}
	if (event.type === 'ERROR') throw strange(access, 'the watch ends with an error');
	if (event.type !== 'ADDED' && event.type !== 'MODIFIED') return [];
	const subsets = Array.isArray(event.object?.subsets) ? (event.object.subsets as readonly unknown[]) : [];
	return subsets.flatMap(subset => readSubset(subset as {addresses?: unknown; ports?: unknown} | null));
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

function refused(server: string, why: string, cause?: unknown): SealError {
	return new SealError('ERR_LB_ENDPOINTS', `The members cannot be learnt from ${server}: ${why}`, {
		hint: 'The balancer goes on with the members that it knows.',
		cause,
	});
}

function strange({server}: ApiAccess, why: string, cause?: unknown): SealError {
	return refused(server, why, cause);
}
