import {resolve} from 'node:path';
import {hasCode} from '../../lib/core/errors.js';
import {openStore} from '../../lib/oci/store/store.js';
import {serveRegistry} from '../../lib/registry/server/serve.js';
import {openStoreStorage} from '../../lib/registry/storage/layout/open.js';
import {openStockStorage} from '../../lib/registry/storage/stock/storage.js';
import type {RegistryStorage} from '../../lib/registry/storage/storage.js';
import {defineCommand, type Flags, type FlagValues} from '../command.js';
import type {Context} from '../context.js';
import {write} from '../io.js';
import {parseListen} from '../listen-address.js';
import {formatJson} from '../render/json.js';
import {edgeFlags, openEdge} from '../serve-options.js';
import {UsageError} from '../usage-error.js';

const serveFlags = {
	listen: {
		type: 'string',
		value: 'HOST:PORT',
		default: '127.0.0.1:5000',
		help: 'where to listen; port 0 takes any free one',
	},
	root: {
		type: 'string',
		value: 'DIR',
		help: "a registry folder in the layout of docker's registry, made when it is missing or empty; with --store the folder of an image store",
		completes: 'folder',
	},
	store: {type: 'boolean', help: 'serve the images of the image store (the default without --root)'},
	'read-only': {type: 'boolean', help: 'refuse every push and delete'},
	delete: {type: 'boolean', default: true, help: 'allow to delete tags, images and blobs'},
	'sparse-indexes': {
		type: 'boolean',
		help: 'take an index although some of its images are not here, as a copy of one platform leaves it',
	},
	notice: {type: 'string', value: 'TEXT', help: 'a sentence that clients show to their users'},
	...edgeFlags,
	'insecure-listen': {
		type: 'boolean',
		help: 'listen beyond this machine although everyone who reaches the address may read and write',
	},
} as const satisfies Flags;

export const command = defineCommand({
	description:
		'Serves images over the protocol that docker, containerd, podman and skopeo speak (OCI distribution-spec 1.1). A folder in the stock layout may be served by docker-registry before, after and at the same time. Stops on Ctrl-C and SIGTERM, when the requests under way are done.',
	operands: [],
	flags: serveFlags,
	examples: [
		{about: 'The images of the store', line: 'sealimage serve'},
		{about: 'A registry of its own', line: 'sealimage serve --root /srv/registry --listen 127.0.0.1:5001'},
		{
			about: 'For others: users of a file write, everybody reads',
			line: 'sealimage serve --root /srv/registry --listen 0.0.0.0:443 --tls-cert tls.crt --tls-key tls.key --htpasswd users --anonymous-pull',
		},
		{
			about: 'A cache of Docker Hub for the containerd of this machine',
			line: 'sealimage serve --root /srv/cache --upstream docker.io',
		},
		{about: 'What a cluster image embeds', line: 'sealimage serve --root ./kubernetes/registry --read-only'},
	],
	async run({flags}, context) {
		const {signal, onEvent} = context;
		const {host, port} = parseListen(flags.listen);
		const edge = await openEdge(flags, context);
		const opened = await openStorage(flags, context).catch(async (error: unknown) => {
			await edge.close();
			throw error;
		});
		const storage = edge.wrap(opened);
		try {
			const server = await serveRegistry(storage, {
				host,
				port,
				readOnly: flags['read-only'],
				deletes: flags.delete,
				notice: flags.notice,
				...edge.options,
				onEvent,
			}).catch((error: unknown) => {
				throw hasCode(error, 'ERR_SERVER_EXPOSED') ? exposed(error as Error, port) : error;
			});
			await write(context.io.stdout, greeting(server.url, server.address, storage, context));
			await new Promise<void>(stop => {
				if (signal.aborted) stop();
				else signal.addEventListener('abort', () => stop(), {once: true});
			});
			await server.close();
		} finally {
			await storage.close();
			await edge.close();
		}
		return undefined;
	},
});

async function openStorage(flags: FlagValues<typeof serveFlags>, context: Context): Promise<RegistryStorage> {
	const {io, settings, signal, onEvent} = context;
	const root = flags.root === undefined ? undefined : resolve(io.cwd, flags.root);
	if (root !== undefined && !flags.store) return await openStockStorage(root, {create: !flags['read-only'], signal});
	const store = await openStore(root ?? settings.root.value, {signal, onEvent});
	const storage = await openStoreStorage(store);
	return {
		...storage,
		async close() {
			await storage.close();
			await store.close();
		},
	};
}

function greeting(
	url: string,
	address: {readonly host: string; readonly port: number},
	storage: RegistryStorage,
	{settings, style, quiet}: Context,
): string {
	if (settings.output.value === 'json') return `${formatJson({url, address, storage: storage.name}, 0)}\n`;
	if (quiet) return `${url}\n`;
	const host = new URL(url).host.replace(/^(?:0\.0\.0\.0|\[::\])(?=:)/, 'localhost');
	return `${[
		`Serving ${storage.name} on ${style.bold(url)}`,
		...[
			`sealimage push myimage:v1 docker://${host}/myimage:v1`,
			`skopeo copy --dest-tls-verify=false docker-archive:image.tar docker://${host}/myimage:v1`,
			`docker pull ${host}/myimage:v1`,
			`ctr images pull --plain-http ${host}/myimage:v1`,
		].map(line => style.dim(`  ${line}`)),
	].join('\n')}\n`;
}

function exposed(error: Error, port: number): UsageError {
	return new UsageError(error.message, {
		code: 'ERR_SERVER_EXPOSED',
		hint: `Say who has access with --htpasswd or --token, listen on 127.0.0.1:${port}, or say --insecure-listen when the network is trusted.`,
	});
}
