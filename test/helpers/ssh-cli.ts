import {chmodSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {type Cli, cliIn} from './run-cli.js';
import {generateKey, type SshServer, type SshServerOptions, startSshServer} from './ssh-server.js';

/** The command line beside hosts on loopback that let its key in. */
export interface CliWithHosts extends Cli {
	readonly servers: readonly SshServer[];
	/** `127.0.0.1:40001`: how results call the hosts too. */
	readonly names: readonly string[];
	/** All of them, as --hosts takes them. */
	readonly hosts: string;
	/** What logs in; commands run as whoever runs the test. */
	readonly login: readonly string[];
}

export async function cliWithHosts(
	t: ExecutionContext,
	count: number,
	options: SshServerOptions = {},
): Promise<CliWithHosts> {
	const cli = cliIn(t);
	const key = generateKey();
	const file = join(cli.dir, 'key');
	writeFileSync(file, key.private);
	chmodSync(file, 0o600);
	const servers = await Promise.all(
		Array.from({length: count}, () => startSshServer(t, {keys: [key], password: 'right', ...options})),
	);
	const names = servers.map(({port}) => `127.0.0.1:${port}`);
	const login = ['--user', 'tester', '--identity', file, '--no-agent', '--ssh-config', 'none'];
	return {...cli, servers, names, hosts: names.join(','), login};
}
