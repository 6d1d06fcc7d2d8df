import type {ExecutionContext} from 'ava';
import {createTransport, type Transport, type TransportOptions} from '../../lib/registry/exchange/transport.js';

/** A transport to registries that is closed with the test. */
export function openExchange(t: ExecutionContext, options: TransportOptions = {}): Transport {
	const transport = createTransport(options);
	t.teardown(() => transport.close());
	return transport;
}

/** The smallest request. */
export const ping = (host: string) => ({host, repository: '', method: 'GET', path: '/v2/'}) as const;
