/**
 * The registry of a site inside a program of your own: everyone may pull, who knows the token may push, and every image that
 * arrives is told of. Rights are a function; the folder is one that docker-registry can serve as well.
 *
 *   npx tsc -p examples && TOKEN=secret node .build/examples/registry/site-registry.js FOLDER [PORT]
 */
import {timingSafeEqual} from 'node:crypto';
import {type AccessPolicy, openStockStorage, type RegistryStorage, serveRegistry} from 'sealimage';

const [folder = '', port = '5000'] = process.argv.slice(2);
const token = process.env.TOKEN ?? '';
if (folder === '' || token === '') {
	console.error('Usage: TOKEN=secret site-registry.js FOLDER [PORT]');
	process.exit(2);
}

/** Basic login with any user name: what `docker login` and `sealimage login` send. */
const access: AccessPolicy = {
	async check({authorization, actions}) {
		if (actions.every(action => action === 'pull' || action === 'ping')) return {allowed: true};
		if (knowsToken(authorization)) return {allowed: true, user: 'publisher'};
		const challenge = 'Basic realm="site registry"';
		return {allowed: false, status: 401, challenge, message: 'Log in with the token to push'};
	},
};

const storage = await openStockStorage(folder, {create: true});
const server = await serveRegistry(announcing(storage), {port: Number(port), access});
console.log(`listening on ${server.url}`);

process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());

async function stop(): Promise<void> {
	await server.close();
	await storage.close();
}

function knowsToken(authorization = ''): boolean {
	const [, encoded = ''] = /^basic (.+)$/i.exec(authorization) ?? [];
	const given = Buffer.from(
		Buffer.from(encoded, 'base64')
			.toString()
			.replace(/^[^:]*:/, ''),
	);
	return given.length === Buffer.byteLength(token) && timingSafeEqual(given, Buffer.from(token));
}

/** A storage is an interface: what is put around one sees everything that is stored. */
function announcing(inner: RegistryStorage): RegistryStorage {
	return {
		...inner,
		async putManifest(repository, manifest, tags, options) {
			const missing = await inner.putManifest(repository, manifest, tags, options);
			const names = missing.length === 0 ? tags : [];
			for (const tag of names) console.log(`stored ${repository}:${tag} ${manifest.digest}`);
			return missing;
		},
	};
}
