import {once} from 'node:events';
import {chmodSync, mkdirSync, writeFileSync} from 'node:fs';
import type {AddressInfo} from 'node:net';
import {dirname, join} from 'node:path';
import {createServer} from 'node:tls';
import type {ExecutionContext} from 'ava';
import type {FoundFiles} from '../../lib/runtime/pki/cluster/authorities.js';
import type {PkiFile} from '../../lib/runtime/pki/cluster/plan.js';
import {contentOf} from './cluster-pki.js';

/** Writes what a plan wants to a folder that stands for `/`. */
export function writePki(root: string, files: readonly PkiFile[]): void {
	for (const file of files) {
		const path = join(root, file.path);
		mkdirSync(dirname(path), {recursive: true});
		writeFileSync(path, contentOf(file));
		chmodSync(path, Number.parseInt(file.mode, 8));
	}
}

/** Writes other files below a root. */
export function writeText(root: string, path: string, text: string): void {
	mkdirSync(dirname(join(root, path)), {recursive: true});
	writeFileSync(join(root, path), text);
}

/** A static pod's manifest, as far as certificates go. */
export function manifest(flags: readonly string[]): string {
	return ['spec:', '  containers:', '  - command:', '    - program', ...flags.map(flag => `    - ${flag}`), ''].join(
		'\n',
	);
}

/** Serves TLS on loopback with a pair of a host; its port. */
export async function serveTls(
	t: ExecutionContext,
	files: FoundFiles,
	certificate: string,
	key: string,
): Promise<number> {
	const read = (path: string): Buffer => Buffer.from(files.get(path) ?? []);
	const server = createServer({cert: read(certificate), key: read(key)}, socket => socket.on('error', () => {}));
	server.on('tlsClientError', () => {});
	t.teardown(() => server.close());
	await once(server.listen(0, '127.0.0.1'), 'listening');
	return (server.address() as AddressInfo).port;
}
