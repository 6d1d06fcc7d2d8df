import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import type {ExecutionContext} from 'ava';
import {digestOf} from '../../lib/oci/digest.js';
import {formatManifest, type ImageIndex, type ImageManifest} from '../../lib/oci/manifest.js';
import {mediaTypes} from '../../lib/oci/media-types.js';

export interface TestRegistry {
	/** `127.0.0.1:port`. */
	readonly host: string;
	/** Method and path of every request, with `Range` behind it when there was one. */
	readonly requests: string[];
	/** The Authorization header of every request to a path that starts with /v2/. */
	readonly authorizations: (string | undefined)[];
	/** Content by digest; manifests carry their type. */
	readonly content: Map<string, {readonly bytes: Buffer; readonly mediaType: string}>;
	/** `repository:tag` to digest. */
	readonly tags: Map<string, string>;
	/** Looks at each request first; true means that it has answered. */
	intercept: (request: IncomingMessage, response: ServerResponse) => boolean;
	blob(bytes: string | Uint8Array): {digest: `sha256:${string}`; size: number};
	/** Stores a one-layer image and gives the digest of its manifest. */
	image(name: string, layer?: string | Uint8Array): `sha256:${string}`;
	document(name: string, document: ImageManifest | ImageIndex): `sha256:${string}`;
}

/** A small registry on loopback, over real HTTP, as pull clients see one. */
export async function startRegistry(t: ExecutionContext): Promise<TestRegistry> {
	const content: TestRegistry['content'] = new Map();
	const tags = new Map<string, string>();
	const requests: string[] = [];
	const authorizations: (string | undefined)[] = [];
	const server = createServer((request, response) => {
		const range = request.headers.range === undefined ? '' : ` ${request.headers.range}`;
		requests.push(`${request.method} ${request.url}${range}`);
		if (request.url?.startsWith('/v2/') === true) authorizations.push(request.headers.authorization);
		if (!registry.intercept(request, response)) serve(registry, request, response);
	});
	const host = await listen(t, server);
	const put = (bytes: Buffer, mediaType: string): `sha256:${string}` => {
		const digest = digestOf(bytes) as `sha256:${string}`;
		content.set(digest, {bytes, mediaType});
		return digest;
	};
	const registry: TestRegistry = {
		host,
		requests,
		authorizations,
		content,
		tags,
		intercept: () => false,
		blob(bytes) {
			const buffer = Buffer.from(bytes);
			return {digest: put(buffer, 'application/octet-stream'), size: buffer.length};
		},
		document(name, document) {
			const digest = put(formatManifest(document), document.mediaType);
			tags.set(name, digest);
			return digest;
		},
		image(name, layer = 'layer') {
			const blob = registry.blob(layer);
			const config = registry.blob(
				JSON.stringify({os: 'linux', architecture: 'amd64', rootfs: {type: 'layers', diff_ids: [blob.digest]}}),
			);
			return registry.document(name, {
				schemaVersion: 2,
				mediaType: mediaTypes.manifest,
				config: {mediaType: mediaTypes.config, ...config},
				layers: [{mediaType: mediaTypes.layer, ...blob}],
			});
		},
	};
	return registry;
}

/** Starts a server on a free port of loopback; it ends with the test. */
export async function listen(t: ExecutionContext, server: Server): Promise<string> {
	await new Promise<void>(resolve => {
		server.listen(0, '127.0.0.1', resolve);
	});
	t.teardown(() => {
		server.closeAllConnections();
		server.close();
	});
	return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** An error in the form of the distribution specification. */
export function sendError(response: ServerResponse, status: number, code: string, message: string): true {
	response.writeHead(status, {'content-type': 'application/json'});
	response.end(JSON.stringify({errors: [{code, message}]}));
	return true;
}

function serve(registry: TestRegistry, request: IncomingMessage, response: ServerResponse): void {
	const match = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? '');
	const [, repository = '', kind, name = ''] = match ?? [];
	const digest = registry.tags.get(`${repository}:${name}`) ?? name;
	const found = registry.content.get(digest);
	if (found === undefined || kind === undefined) {
		sendError(response, 404, kind === 'blobs' ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN', `${name} is unknown`);
		return;
	}
	const [range, first = '0', last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
	const start = Number(first);
	const bytes = found.bytes.subarray(start, last ? Number(last) + 1 : undefined);
	response.writeHead(range === undefined ? 200 : 206, {
		'content-type': kind === 'blobs' ? 'application/octet-stream' : found.mediaType,
		'content-length': bytes.length,
		'docker-content-digest': digest,
		...(range === undefined
			? {}
			: {'content-range': `bytes ${start}-${start + bytes.length - 1}/${found.bytes.length}`}),
	});
	response.end(request.method === 'HEAD' ? undefined : bytes);
}
