import {readFileSync} from 'node:fs';
import type {RequestListener} from 'node:http';
import {createServer, type ServerOptions} from 'node:https';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {listen} from './registry.js';

/** A certificate of test/fixtures/tls; all of them have the key `server.key`, and `ca.crt` signed them. */
export function tlsFixture(name: string): string {
	return readFileSync(tlsFixturePath(name), 'utf8');
}

export function tlsFixturePath(name: string): string {
	return join(process.cwd(), 'test/fixtures/tls', name);
}

/** A server on loopback over TLS; resolves with `127.0.0.1:port`. */
export async function serveTls(
	t: ExecutionContext,
	certificate: string,
	listener: RequestListener,
	options: ServerOptions = {},
): Promise<string> {
	const server = createServer({key: tlsFixture('server.key'), cert: tlsFixture(certificate), ...options}, listener);
	return await listen(t, server as never);
}
