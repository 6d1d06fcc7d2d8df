import {createServer, type RequestListener} from 'node:http';
import type {AddressInfo} from 'node:net';
import type {ExecutionContext} from 'ava';

/** A server on loopback that ends with the test; resolves with its URL, without a slash at the end. */
export async function serveHttp(t: ExecutionContext, listener: RequestListener): Promise<string> {
	const server = createServer(listener);
	await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
	t.teardown(() => {
		server.closeAllConnections();
		server.close();
	});
	return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
