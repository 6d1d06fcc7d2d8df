import {createLocalTransport} from '../../lib/runtime/transport/local/local.js';
import type {Transport} from '../../lib/runtime/transport/transport.js';

/** This machine as a host on which whoever runs the test is root enough. */
export function loginTransport(host = 'here'): Transport {
	const local = createLocalTransport({host});
	return {...local, spawn: (argv, options) => local.spawn(argv, {...options, as: 'login'})};
}
