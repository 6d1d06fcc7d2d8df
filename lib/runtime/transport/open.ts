import {createLocalTransport} from './local/local.js';
import {createConnector} from './ssh/connector.js';
import type {OpenTransportOptions} from './ssh/options.js';
import {createShared} from './ssh/shared.js';
import {SshTransport} from './ssh/transport.js';
import type {OpenTransport} from './transport.js';

/**
 * Makes the transports of hosts: this machine for the address `local`, SSH for all others. Over SSH each has one connection, made
 * when the first command comes, checked against known_hosts, and made again when it was lost between two commands. Hosts
 * behind the same jump host share the connection to it.
 */
export function openTransport(options: OpenTransportOptions): OpenTransport {
	const shared = createShared(options);
	const connector = createConnector(shared);
	return target =>
		target.address === 'local'
			? createLocalTransport({host: target.name, sudoPassword: target.login.sudoPassword ?? target.login.password})
			: new SshTransport(target, shared, connector);
}
