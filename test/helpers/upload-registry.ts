import {randomUUID} from 'node:crypto';
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http';
import type {ExecutionContext} from 'ava';
import {algorithmOf, digestOf, isDigest} from '../../lib/oci/digest.js';
import {listen, sendError} from './registry.js';

/** What goes wrong with one request: the first fault that fits it is used up by it. */
export interface Fault {
	readonly method: string;
	/** Fits the URL; default: any. */
	readonly url?: RegExp;
	/** Let so many requests that fit go by first. */
	readonly after?: number;
	/**
	 * `refuse` hangs up at once, `swallow` does the work and hangs up without an answer, `cut` hangs up after so many bytes
	 * of the body (they are kept), `hold` keeps so many and reads no further until the client is gone, `lose` forgets the upload first, `answer` answers this instead.
	 */
	readonly does:
		| 'refuse'
		| 'swallow'
		| 'lose'
		| {readonly cut: number}
		| {readonly hold: number; readonly reached: () => void}
		| {readonly answer: number; readonly code?: string; readonly headers?: Readonly<Record<string, string>>};
}

interface Session {
	readonly repository: string;
	readonly chunks: Buffer[];
	sizeBytes: number;
}

export interface UploadRegistry {
	/** `127.0.0.1:port`. */
	readonly host: string;
	/** Method and path, with `Content-Range` behind it when there was one. */
	readonly requests: string[];
	/** Bytes of request bodies, by method. */
	readonly received: Map<string, number>;
	/** `repository@digest` to bytes. */
	readonly blobs: Map<string, Buffer>;
	/** `repository@digest` to bytes and type. */
	readonly manifests: Map<string, {readonly bytes: Buffer; readonly mediaType: string}>;
	/** `repository:tag` to digest. */
	readonly tags: Map<string, string>;
	readonly sessions: Map<string, Session>;
	readonly faults: Fault[];
	/** Looks at each request first; true means that it has answered. */
	intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
	/** Answers a request, with the fault that fits it if there is one. */
	handle(request: IncomingMessage, response: ServerResponse): void;
	/** How Location is written; default: absolute paths. */
	locate: (path: string) => string;
	/** Headers of every answer to POST. */
	postHeaders: Record<string, string>;
	/** Bodies above this are refused with 413. */
	limitBytes: number;
	/** Whether manifests with a subject are answered with OCI-Subject. */
	knowsSubjects: boolean;
}

/** A registry in memory that takes uploads over real HTTP, and fails where it is told to. */
export async function startUploadRegistry(t: ExecutionContext): Promise<UploadRegistry> {
	const server = createServer((request, response) => {
		const range = request.headers['content-range'];
		registry.requests.push(`${request.method} ${request.url}${range === undefined ? '' : ` ${range}`}`);
		request.on('error', () => undefined);
		if (!registry.intercept(request, response)) registry.handle(request, response);
	});
	const registry: UploadRegistry = {
		host: await listen(t, server),
		requests: [],
		received: new Map(),
		blobs: new Map(),
		manifests: new Map(),
		tags: new Map(),
		sessions: new Map(),
		faults: [],
		intercept: () => false,
		handle(request, response) {
			// A request that was not read to its end lets go of its socket.
			const {socket} = request;
			handle(registry, request, response).catch(() => socket.destroy());
		},
		locate: path => path,
		postHeaders: {},
		limitBytes: Number.POSITIVE_INFINITY,
		knowsSubjects: true,
	};
	return registry;
}

async function handle(registry: UploadRegistry, request: IncomingMessage, response: ServerResponse): Promise<void> {
	const {socket} = request;
	const fault = takeFault(registry, request);
	if (fault === 'refuse') throw new Error('refused');
	if (typeof fault === 'object' && 'answer' in fault) {
		response.writeHead(fault.answer, fault.headers);
		response.end(JSON.stringify({errors: fault.code === undefined ? [] : [{code: fault.code, message: 'as told'}]}));
		return;
	}
	if (fault === 'lose') registry.sessions.delete(/uploads\/([^?]+)/.exec(request.url ?? '')?.[1] ?? '');
	const cut = typeof fault === 'object' && 'cut' in fault ? fault.cut : undefined;
	const hold = typeof fault === 'object' && 'hold' in fault ? fault : undefined;
	const url = new URL(request.url ?? '', 'http://registry');
	const [, repository = '', kind = '', name = ''] =
		/^\/v2\/(.+)\/(manifests|blobs\/uploads|blobs)\/([^/]*)$/.exec(url.pathname) ?? [];
	const answer = (status: number, headers: Record<string, string | number> = {}, body?: Buffer): void => {
		if (fault === 'swallow') return void socket.destroy();
		response.writeHead(status, {...(body === undefined ? {} : {'content-length': body.length}), ...headers});
		response.end(request.method === 'HEAD' ? undefined : body);
	};
	const call: Call = {registry, request, response, repository, name, query: url.searchParams, cut, hold, answer};
	if (kind === 'blobs/uploads') return await handleUpload(call);
	if (kind === 'manifests') return await handleManifest(call);
	const blob = registry.blobs.get(`${repository}@${name}`);
	if (blob === undefined) return void sendError(response, 404, 'BLOB_UNKNOWN', 'unknown');
	answer(200, {'docker-content-digest': name}, blob);
}

interface Call {
	readonly registry: UploadRegistry;
	readonly request: IncomingMessage;
	readonly response: ServerResponse;
	readonly repository: string;
	readonly name: string;
	readonly query: URLSearchParams;
	readonly cut: number | undefined;
	readonly hold: {readonly hold: number; readonly reached: () => void} | undefined;
	answer(status: number, headers?: Record<string, string | number>, body?: Buffer): void;
}

function takeFault({faults}: UploadRegistry, {method, url = ''}: IncomingMessage): Fault['does'] | undefined {
	const i = faults.findIndex(fault => fault.method === method && fault.url?.test(url) !== false);
	const found = faults[i];
	if (found === undefined) return undefined;
	const after = found.after ?? 0;
	if (after === 0) faults.splice(i, 1);
	else faults[i] = {...found, after: after - 1};
	return after === 0 ? found.does : undefined;
}

async function handleUpload(call: Call): Promise<void> {
	const {registry, request, response, repository, name, query, answer} = call;
	if (request.method === 'POST') return beginUpload(call);
	const session = registry.sessions.get(name);
	if (session?.repository !== repository) return void sendError(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'unknown');
	const where = () => ({
		location: registry.locate(`/v2/${repository}/blobs/uploads/${name}?size=${session.sizeBytes}`),
		range: `0-${Math.max(0, session.sizeBytes - 1)}`,
	});
	if (request.method === 'GET') return answer(204, where());
	if (request.method === 'DELETE') {
		registry.sessions.delete(name);
		return answer(204);
	}
	const start = /^(\d+)-/.exec(request.headers['content-range'] ?? '')?.[1];
	if (start !== undefined && Number(start) !== session.sizeBytes) return answer(416, where());
	await receive(call, session);
	if (request.method === 'PATCH') return answer(202, where());
	const bytes = Buffer.concat(session.chunks);
	const digest = query.get('digest');
	registry.sessions.delete(name);
	if (!isDigest(digest) || digestOf(bytes, algorithmOf(digest)) !== digest) {
		return void sendError(response, 400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
	}
	registry.blobs.set(`${repository}@${digest}`, bytes);
	answer(201, {'docker-content-digest': digest, location: `/v2/${repository}/blobs/${digest}`});
}

function beginUpload({registry, repository, query, answer}: Call): void {
	const mount = query.get('mount');
	const from = query.get('from');
	const found = from === null ? undefined : registry.blobs.get(`${from}@${mount}`);
	if (found !== undefined) {
		registry.blobs.set(`${repository}@${mount}`, found);
		answer(201, {location: `/v2/${repository}/blobs/${mount}`});
		return;
	}
	const id = randomUUID();
	registry.sessions.set(id, {repository, chunks: [], sizeBytes: 0});
	const location = registry.locate(`/v2/${repository}/blobs/uploads/${id}?size=0`);
	answer(202, {location, range: '0-0', ...registry.postHeaders});
}

async function receive({registry, request, response, cut, hold}: Call, session: Session): Promise<void> {
	const {method = ''} = request;
	if (Number(request.headers['content-length']) > registry.limitBytes) {
		response.writeHead(413, {connection: 'close'}).end();
		throw new Error('too large');
	}
	let left = cut ?? hold?.hold ?? Number.POSITIVE_INFINITY;
	const {socket} = request;
	const gone = new Promise(resolve => socket.once('close', resolve));
	for await (const chunk of request as AsyncIterable<Buffer>) {
		const kept = chunk.subarray(0, left);
		left -= kept.length;
		session.chunks.push(kept);
		session.sizeBytes += kept.length;
		registry.received.set(method, (registry.received.get(method) ?? 0) + kept.length);
		if (left > 0) continue;
		hold?.reached();
		if (hold !== undefined) await gone;
		throw new Error('cut');
	}
}

async function handleManifest({registry, request, response, repository, name, answer}: Call): Promise<void> {
	const digest = registry.tags.get(`${repository}:${name}`) ?? name;
	const found = registry.manifests.get(`${repository}@${digest}`);
	if (request.method === 'PUT') {
		const chunks: Buffer[] = [];
		for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
		const bytes = Buffer.concat(chunks);
		const stored = digestOf(bytes);
		const mediaType = request.headers['content-type'] ?? '';
		registry.manifests.set(`${repository}@${stored}`, {bytes, mediaType});
		if (!isDigest(name)) registry.tags.set(`${repository}:${name}`, stored);
		const {subject} = JSON.parse(bytes.toString()) as {subject?: {digest: string}};
		const says = registry.knowsSubjects && subject !== undefined ? {'oci-subject': subject.digest} : {};
		return answer(201, {'docker-content-digest': stored, ...says});
	}
	if (found === undefined) return void sendError(response, 404, 'MANIFEST_UNKNOWN', 'unknown');
	answer(200, {'content-type': found.mediaType, 'docker-content-digest': digest}, found.bytes);
}
