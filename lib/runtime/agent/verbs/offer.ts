import {randomBytes} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {stat} from 'node:fs/promises';
import {createServer, type ServerResponse} from 'node:http';
import {dirname, join} from 'node:path';
import {pipeline} from 'node:stream/promises';
import {SealError} from '../../../core/errors.js';
import {ownAddresses, type RelayAddress} from '../../relay/addresses.js';
import {listen} from '../../relay/listen.js';
import {isFileName} from '../bundle/manifest.js';
import type {AgentVerb} from '../protocol.js';

export interface OfferResult {
	/** Empty when nothing can be listened on. */
	readonly addresses: readonly RelayAddress[];
	/** Good for one download. */
	readonly path: string;
}

const lifetimeMs = 10 * 60_000;
const idleMs = 20_000;
const maxConnections = 16;

interface Offers {
	/** Files by the paths under which they can be asked for. */
	readonly files: Map<string, string>;
	readonly addresses: readonly RelayAddress[];
}

const sessions = new WeakMap<object, Promise<Offers>>();

/**
 * Lets one other host take one file of this agent over plain HTTP, on this host's own addresses, under a path that nobody can guess and
 * that is good once and for ten minutes. The file is no secret, and who takes it knows its digest. Nothing listens after the session.
 */
export const offer: AgentVerb<{readonly file: string}, OfferResult> = {
	name: 'offer',
	parse(params) {
		const {file} = (params ?? {}) as {file?: unknown};
		if (typeof file === 'string' && isFileName(file)) return {file};
		throw new SealError('ERR_USAGE', 'What to offer is no name of a file');
	},
	async run({file}, {session, defer}) {
		const source = join(dirname(process.argv[1] ?? ''), file);
		if (!(await stat(source)).isFile()) throw new SealError('ERR_USAGE', `The agent has no file ${file}`);
		let opening = sessions.get(session);
		if (opening === undefined) {
			opening = openOffers(defer);
			sessions.set(session, opening);
		}
		const {files, addresses} = await opening;
		const path = `/${randomBytes(16).toString('hex')}`;
		files.set(path, source);
		setTimeout(() => files.delete(path), lifetimeMs).unref();
		return {addresses, path};
	},
};

async function openOffers(defer: (close: () => Promise<void>) => void): Promise<Offers> {
	const files = new Map<string, string>();
	const addresses: RelayAddress[] = [];
	for (const address of ownAddresses([])) {
		const server = createServer({requestTimeout: idleMs}, (request, response) => {
			const path = request.url ?? '';
			const file = request.method === 'GET' ? files.get(path) : undefined;
			files.delete(path);
			void answer(response, file);
		});
		server.maxConnections = maxConnections;
		server.setTimeout(idleMs);
		const port = await listen(server, address);
		if (port === undefined) continue;
		addresses.push({address, port});
		defer(async () => {
			server.closeAllConnections();
			await new Promise<void>(resolve => server.close(() => resolve()));
		});
	}
	return {files, addresses};
}

async function answer(response: ServerResponse, file: string | undefined): Promise<void> {
	try {
		if (file === undefined) {
			response.writeHead(404, {connection: 'close'}).end();
			return;
		}
		const {size} = await stat(file);
		response.writeHead(200, {'content-length': size, 'content-type': 'application/octet-stream', connection: 'close'});
		await pipeline(createReadStream(file, {highWaterMark: 1024 * 1024}), response);
	} catch {
		// Who asked for it notices.
		response.destroy();
	}
}
