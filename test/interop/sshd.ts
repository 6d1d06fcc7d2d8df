import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {HostLogin, HostTarget} from '../../lib/runtime/host/target.js';
import {freePort} from '../helpers/free-port.js';
import {accepts, run, startServer, untilTrue} from './peers.js';

/** OpenSSH's server on loopback for the user root, with keys alone. */
export interface Sshd {
	readonly port: number;
	/** A private key that opens it: Ed25519, without a passphrase. */
	readonly key: string;
	/** The public half of its host key, as in known_hosts. */
	readonly hostKey: string;
	/** The host for our own client. */
	target(login?: HostLogin): HostTarget;
}

/** @param lines more of sshd_config(5) */
export async function startSshd(t: ExecutionContext, scratch: string, lines: readonly string[] = []): Promise<Sshd> {
	const port = await freePort();
	const folder = join(scratch, `sshd-${port}`);
	mkdirSync(folder, {recursive: true});
	// sshd refuses to start without the folder that its unprivileged half is shut into.
	mkdirSync('/run/sshd', {recursive: true, mode: 0o755});
	const key = join(folder, 'id');
	const hostKey = join(folder, 'host');
	await makeKey(hostKey, ['-t', 'ed25519']);
	await makeKey(key, ['-t', 'ed25519']);
	allow(folder, `${key}.pub`);
	const config = join(folder, 'sshd_config');
	writeFileSync(
		config,
		[
			...lines,
			`Port ${port}`,
			'ListenAddress 127.0.0.1',
			`HostKey ${hostKey}`,
			`AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
			'StrictModes no',
			'PidFile none',
			'PasswordAuthentication no',
			'PermitRootLogin yes',
			'UsePAM no',
		].join('\n'),
	);
	startServer(t, ['/usr/sbin/sshd', '-D', '-e', '-f', config]);
	await untilTrue(() => accepts(port), 'sshd');
	return {
		port,
		key,
		hostKey: readFileSync(`${hostKey}.pub`, 'utf8').split(' ').slice(0, 2).join(' '),
		target: (login = {}) => ({
			name: 'one',
			address: '127.0.0.1',
			roles: [],
			login: {user: 'root', port, identities: [{file: key}], agent: false, ...login},
		}),
	};
}

/** Makes a key with ssh-keygen; the public half is beside it. */
export async function makeKey(file: string, args: readonly string[], passphrase = ''): Promise<void> {
	await run(['ssh-keygen', '-q', '-N', passphrase, '-C', `key ${file}`, ...args, '-f', file]);
}

/** Lets a key in to the server of `startSshd`. */
export function allowKey(sshd: Sshd, publicKey: string): void {
	allow(join(sshd.key, '..'), publicKey);
}

function allow(folder: string, publicKey: string): void {
	writeFileSync(join(folder, 'authorized_keys'), readFileSync(publicKey), {flag: 'a'});
}
