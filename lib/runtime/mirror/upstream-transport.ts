import {readFile} from 'node:fs/promises';
import {SealError} from '../../core/errors.js';
import {withIo} from '../../core/io-error.js';
import type {TransportOptions} from '../../registry/exchange/transport.js';
import {homeEndpoint} from '../../registry/hosts/endpoint.js';
import {type MirrorConfig, parseMirrorLogin} from './config.js';

/** How long the others get. A dead one costs one connection time-out, then nothing for a while. */
const connectMs = 2500;
const idleMs = 10_000;

/**
 * The way to the registries of the others: with the login of this host, and with their own authority alone.
 * @throws SealError ERR_IO, ERR_PERMISSION, ERR_MIRROR_CONFIG
 */
export async function upstreamTransport({authority, login}: MirrorConfig): Promise<TransportOptions> {
	const [ca, loginText] = await Promise.all([readText(authority), readText(login)]);
	const {username, password} = parseMirrorLogin(loginText, login ?? 'The login');
	const tls = {ca: [ca], pinned: true};
	return {
		connectTimeoutMs: connectMs,
		idleTimeoutMs: idleMs,
		credentials: () => ({kind: 'password', username, password}),
		hosts: async (host, repository) => [
			{...homeEndpoint(host, repository), plainHttp: false, tls, connectTimeoutMs: connectMs},
		],
	};
}

async function readText(path: string | undefined): Promise<string> {
	if (path === undefined) {
		throw new SealError('ERR_MIRROR_CONFIG', 'The configuration does not say how to reach the others', {
			hint: 'Write it anew with "sealimage registry install".',
		});
	}
	return await withIo('read', path, () => readFile(path, 'utf8'));
}
