import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {SealError} from '../../../core/errors.js';
import type {Abortable} from '../../../core/events.js';
import {createHttpClient, type HttpClient, type HttpResponse} from '../../../core/http.js';
import {withIo} from '../../../core/io-error.js';
import {mapBounded} from '../../../core/pool.js';
import type {HttpTls} from '../../../core/trust.js';
import {type EtcdMember, hasStarted, type MemberHealth, parseGatewayMembers} from './members.js';

/**
 * etcd as a master speaks to its own member: the JSON form of its API, which needs no program of etcd on the host. Errors are SealError
 * ERR_ETCD with what etcd says.
 */
export interface EtcdGateway extends AsyncDisposable {
	/** Answered by the member itself, whether or not the others can be reached. */
	members(options?: Abortable): Promise<readonly EtcdMember[]>;
	/** The same, each asked how it is. */
	health(options?: Abortable): Promise<readonly MemberHealth[]>;
	/** Needs a majority. */
	remove(id: string, options?: Abortable): Promise<void>;
	/** Gives a learner that has caught up a voice. Needs a majority. */
	promote(id: string, options?: Abortable): Promise<void>;
}

/** Of one question; a member that lost the others takes five seconds to say so. */
const answerMs = 10_000;
const connectMs = 3000;
const maxAnswerBytes = 1024 * 1024;

/**
 * @param endpoint `https://127.0.0.1:2379`
 * @param folder with the authority of etcd and a client's certificate, as /etc/kubernetes/pki/etcd has them
 * @throws SealError ERR_IO, ERR_PERMISSION
 */
export async function openGateway(endpoint: string, folder: string): Promise<EtcdGateway> {
	const read = (name: string): Promise<string> => {
		const path = join(folder, name);
		return withIo('read', path, () => readFile(path, 'utf8'));
	};
	const [ca, cert, key] = await Promise.all(['ca.crt', 'healthcheck-client.crt', 'healthcheck-client.key'].map(read));
	const tls: HttpTls = {ca: [ca ?? ''], pinned: true, client: [{cert: cert ?? '', key: key ?? ''}]};
	const client = createHttpClient({connectTimeoutMs: connectMs, idleTimeoutMs: answerMs, connections: 2});
	const ask = async (path: string, body: object, options: Abortable = {}): Promise<unknown> =>
		await post(client, tls, `${endpoint}${path}`, body, options);
	const members = async (options?: Abortable): Promise<readonly EtcdMember[]> =>
		parseGatewayMembers(await ask('/v3/cluster/member/list', {}, options));
	return {
		members,
		health: async options =>
			await mapBounded(
				await members(options),
				16,
				async member => ({...member, ...(await healthOf(client, tls, member, options))}),
				options,
			),
		async remove(id, options) {
			await ask('/v3/cluster/member/remove', {ID: decimal(id)}, options);
		},
		async promote(id, options) {
			await ask('/v3/cluster/member/promote', {ID: decimal(id)}, options);
		},
		[Symbol.asyncDispose]: () => client.close(),
	};
}

function decimal(id: string): string {
	return BigInt(`0x${id}`).toString();
}

/** A learner answers no question that needs the others: what it knows of itself has to do. */
async function healthOf(
	client: HttpClient,
	tls: HttpTls,
	member: EtcdMember,
	options: Abortable = {},
): Promise<Pick<MemberHealth, 'isHealthy' | 'why'>> {
	const [url] = member.clientUrls;
	if (!hasStarted(member) || url === undefined) return {isHealthy: false, why: 'it has never started'};
	try {
		if (member.isLearner) await post(client, tls, `${url}/v3/maintenance/status`, {}, options);
		else {
			const {signal} = options;
			const {health, reason} = await readJson(await client.request(`${url}/health`, {tls, signal}));
			if (health !== 'true') return {isHealthy: false, why: line(reason) ?? 'it does not reach a majority'};
		}
		return {isHealthy: true};
	} catch (error) {
		options.signal?.throwIfAborted();
		return {isHealthy: false, why: line((error as Error).message) ?? 'it does not answer'};
	}
}

async function post(
	client: HttpClient,
	tls: HttpTls,
	url: string,
	body: object,
	{signal}: Abortable,
): Promise<Readonly<Record<string, unknown>>> {
	const headers = {'content-type': 'application/json'};
	let response: HttpResponse;
	try {
		response = await client.request(url, {method: 'POST', headers, body: JSON.stringify(body), tls, signal});
	} catch (cause) {
		signal?.throwIfAborted();
		throw failed('etcd on this master does not answer', 'Look whether its pod runs: "crictl ps -a".', cause);
	}
	const answer = await readJson(response);
	if (response.status === 200) return answer;
	const said = line(answer.message ?? answer.error) ?? `status ${response.status}`;
	throw failed(`etcd refuses: ${said}`, 'Look at the members with "sealimage status".');
}

/** @throws SealError ERR_ETCD for what is no JSON object of a bounded size */
async function readJson(response: HttpResponse): Promise<Readonly<Record<string, unknown>>> {
	const chunks: Uint8Array[] = [];
	let sizeBytes = 0;
	for await (const chunk of response.body) {
		sizeBytes += chunk.length;
		if (sizeBytes > maxAnswerBytes) {
			await response.discard();
			throw failed(`An answer of etcd is longer than ${maxAnswerBytes} bytes`);
		}
		chunks.push(chunk);
	}
	try {
		const value: unknown = JSON.parse(Buffer.concat(chunks).toString());
		if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
	} catch {
		// Said below.
	}
	throw failed(`etcd answers with status ${response.status} and something that is no JSON object`);
}

/** What a server says, as it may be shown. */
function line(value: unknown): string | undefined {
	if (typeof value !== 'string') return undefined;
	const text = value
		.slice(0, 500)
		.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
		.trim();
	return text === '' ? undefined : text;
}

function failed(message: string, hint?: string, cause?: unknown): SealError {
	return new SealError('ERR_ETCD', message, {hint, cause});
}
