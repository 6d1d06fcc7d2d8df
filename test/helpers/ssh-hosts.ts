import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import type {SealEvent} from '../../lib/core/events.js';
import {Secret} from '../../lib/core/secret.js';
import type {HostLogin, HostTarget} from '../../lib/runtime/host/target.js';
import {openTransport} from '../../lib/runtime/transport/open.js';
import type {OpenTransportOptions} from '../../lib/runtime/transport/ssh/options.js';
import type {Forwarder, Transport} from '../../lib/runtime/transport/transport.js';
import type {SshKeyPair, SshServer} from './ssh-server.js';
import {type FileTree, tempDir, writeFiles} from './temp-dir.js';

/** A home folder, and hosts opened from it. Nothing of the machine's own configuration is read. */
export interface SshHome {
	readonly home: string;
	readonly events: SealEvent[];
	readonly knownHosts: string;
	open(target: HostTarget): Transport & Forwarder;
}

export function sshHome(
	t: ExecutionContext,
	options: Partial<OpenTransportOptions> = {},
	files: FileTree = {},
): SshHome {
	const home = tempDir(t);
	writeFiles(home, {'.ssh/': '', ...files});
	const events: SealEvent[] = [];
	const open = openTransport({
		operator: {user: 'tester', home},
		configFiles: [join(home, '.ssh', 'config')],
		onEvent: event => events.push(event),
		...options,
	});
	return {
		home,
		events,
		knownHosts: join(home, '.ssh', 'known_hosts'),
		open(target) {
			const transport = open(target) as Transport & Forwarder;
			t.teardown(() => transport.close());
			return transport;
		},
	};
}

/** A host on loopback. */
export function loopback(server: Pick<SshServer, 'port'>, login: HostLogin = {}): HostTarget {
	return {
		name: 'one',
		address: '127.0.0.1',
		roles: [],
		login: {user: 'root', port: server.port, agent: false, ...login},
	};
}

export function keyOf(key: SshKeyPair, passphrase?: string): NonNullable<HostLogin['identities']>[number] {
	return {key: new Secret(key.private), ...(passphrase === undefined ? {} : {passphrase: new Secret(passphrase)})};
}
