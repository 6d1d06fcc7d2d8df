import {spawn} from 'node:child_process';
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {setTimeout as sleep} from 'node:timers/promises';
import type {ExecutionContext} from 'ava';
import {hashSync} from 'bcryptjs';
import {makeTls, type TestTls} from './tls.js';

/** A running `sealimage serve`, and what a client needs to use it. */
export interface ServedRegistry {
	readonly host: string;
	readonly login?: {readonly username: string; readonly password: string};
	readonly tls?: TestTls;
}

export interface ServeVariant {
	readonly title: string;
	/** Starts the server with all it keeps below `home`; it ends with the test. */
	start(t: ExecutionContext, home: string): Promise<ServedRegistry>;
}

/** Both storages, open on loopback, and behind TLS and a password. */
export const serveVariants: readonly ServeVariant[] = [
	{title: 'a folder', start: (t, home) => startServe(t, home, ['--root', join(home, 'served')])},
	{title: 'a store', start: (t, home) => startServe(t, home, ['--store', '--root', join(home, 'served')])},
	{title: 'a folder with TLS and a password', start: (t, home) => closed(t, home, ['--root', join(home, 'served')])},
	{
		title: 'a store with TLS and a password',
		start: (t, home) => closed(t, home, ['--store', '--root', join(home, 'served')]),
	},
];

async function closed(t: ExecutionContext, home: string, flags: readonly string[]): Promise<ServedRegistry> {
	const tls = await makeTls(home);
	const login = {username: 'ship', password: 'a:long one'};
	const htpasswd = join(home, 'htpasswd');
	writeFileSync(htpasswd, `${login.username}:${hashSync(login.password, 4)}\n`);
	const {host} = await startServe(t, home, [
		...flags,
		...['--tls-cert', tls.cert, '--tls-key', tls.key],
		...['--htpasswd', htpasswd],
	]);
	return {host, login, tls};
}

/** Starts `sealimage serve` on a free port; it ends with the test. */
export async function startServe(t: ExecutionContext, home: string, flags: readonly string[]): Promise<ServedRegistry> {
	mkdirSync(join(home, 'served'), {recursive: true});
	const cli = join(process.cwd(), 'dist/bin/sealimage.js');
	const argv = [cli, 'serve', '--output', 'json', '--listen', '127.0.0.1:0', ...flags];
	const server = spawn(process.execPath, argv, {stdio: ['ignore', 'pipe', 'pipe']});
	let messages = '';
	server.stderr.on('data', (chunk: Buffer) => {
		messages += chunk.toString();
	});
	const ended = new Promise<void>(resolve => {
		server.once('exit', () => resolve());
	});
	t.teardown(async () => {
		server.kill('SIGTERM');
		await Promise.race([ended, sleep(10_000, undefined, {ref: false})]);
		server.kill('SIGKILL');
	});
	for await (const line of createInterface({input: server.stdout})) {
		const {url} = JSON.parse(line) as {url: string};
		return {host: new URL(url).host};
	}
	throw new Error(`sealimage serve ended before it listened:\n${messages}`);
}
