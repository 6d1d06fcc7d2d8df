import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {join} from 'node:path';
import {build as buildImage} from '../../../lib/build.js';
import {parsePlatform} from '../../../lib/oci/platform.js';
import {openStore} from '../../../lib/oci/store/store.js';
import type {Command} from '../peers.js';
import {type BuildCase, writeContext} from './case.js';

/** An image config, of which only the comparison knows the fields. */
export type Config = Readonly<Record<string, unknown>>;

/** A case laid out on disk, ready for either tool. */
export interface PreparedCase {
	readonly build: BuildCase;
	readonly contextDir: string;
	readonly sealfilePath: string;
	/** Build arguments with BASE filled in. */
	readonly buildArgs: Readonly<Record<string, string>>;
	/** Paths by id. */
	readonly secrets: Readonly<Record<string, string>>;
	readonly close: () => Promise<void>;
}

export async function prepareCase(build: BuildCase, dir: string): Promise<PreparedCase> {
	const contextDir = join(dir, 'context');
	mkdirSync(contextDir);
	const sealfilePath = join(build.sealfileInContext ? contextDir : dir, 'Sealfile');
	const text = Buffer.from(`${build.sealfile.join('\n')}\n`);
	if (!build.sealfileInContext) writeFileSync(sealfilePath, text);
	writeContext(contextDir, {
		...build.context,
		...(build.sealfileInContext ? {Sealfile: {type: 'file', content: text}} : {}),
	});
	const secrets: Record<string, string> = {};
	for (const [id, value] of Object.entries(build.secrets ?? {})) {
		secrets[id] = join(dir, `secret-${id}`);
		writeFileSync(secrets[id], value);
	}
	const server = build.served === undefined ? undefined : await serve(build.served);
	return {
		build,
		contextDir,
		sealfilePath,
		buildArgs: {...build.buildArgs, ...(server === undefined ? {} : {BASE: server.url})},
		secrets,
		close: async () => server?.close(),
	};
}

async function serve(files: Readonly<Record<string, string>>): Promise<{url: string; close: () => void}> {
	const server = createServer((request, response) => {
		const body = files[request.url ?? ''];
		response.setHeader('Last-Modified', 'Wed, 21 Oct 2015 07:28:00 GMT');
		response.writeHead(body === undefined ? 404 : 200, {'Content-Length': Buffer.byteLength(body ?? '')});
		response.end(request.method === 'HEAD' ? undefined : body);
	});
	await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		close: () => {
			server.closeAllConnections();
			server.close();
		},
	};
}

/**
 * Builds with buildah into an OCI layout of one image, `layout:image`, and gives its config. The config is docker's, which
 * has what OCI lacks: health checks, triggers and the shell. Rejects when buildah refuses.
 */
export async function buildWithBuildah(prepared: PreparedCase, buildah: Command, layout: string): Promise<Config> {
	const {build} = prepared;
	const flags = [
		...Object.entries(prepared.buildArgs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
		...Object.entries(prepared.secrets).flatMap(([id, path]) => ['--secret', `id=${id},src=${path}`]),
		...(build.target === undefined ? [] : ['--target', build.target]),
		...(build.platform === undefined ? [] : ['--platform', build.platform]),
	];
	const name = 'localhost/case:1';
	const sealfile = ['--file', prepared.sealfilePath];
	await buildah(
		'bud',
		'--quiet',
		'--isolation',
		'chroot',
		'--format',
		'docker',
		...flags,
		...sealfile,
		'-t',
		name,
		prepared.contextDir,
	);
	await buildah('push', '--quiet', '--format', 'oci', '--disable-compression', name, `oci:${layout}:image`);
	return (JSON.parse(await buildah('inspect', '--type', 'image', name)) as {Docker: Config}).Docker;
}

/** Builds with sealimage into the OCI layout of a fresh store, named `docker.io/library/case:1` there; gives the config. */
export async function buildWithSealimage(prepared: PreparedCase, layout: string): Promise<Config> {
	const {build, secrets} = prepared;
	const store = await openStore(layout, {durability: 'none'});
	try {
		const {platforms} = await buildImage({
			context: prepared.contextDir,
			file: prepared.sealfilePath,
			store,
			tags: ['case:1'],
			pull: 'never',
			target: build.target,
			platforms: build.platform === undefined ? undefined : [parsePlatform(build.platform)],
			buildArgs: prepared.buildArgs,
			secret: id => (secrets[id] === undefined ? undefined : readFileSync(secrets[id])),
		});
		return JSON.parse(readFileSync(store.blobPath(platforms[0]!.config), 'utf8')) as Config;
	} finally {
		await store.close();
	}
}
