import type {AddressInfo, Server} from 'node:net';

/** Listens on a free port of an address: the port, or undefined when the address cannot be listened on. */
export async function listen(server: Server, host: string): Promise<number | undefined> {
	return await new Promise(resolve => {
		server.once('error', () => resolve(undefined));
		server.listen({host, port: 0}, () => {
			server.on('error', () => undefined);
			resolve((server.address() as AddressInfo).port);
		});
	});
}
