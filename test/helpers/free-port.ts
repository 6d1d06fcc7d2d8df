import {createServer} from 'node:net';

/** A port of an address of loopback on which nobody listens: the kernel gave it, and gives others before it comes to it again. */
export async function freePort(address = '127.0.0.1'): Promise<number> {
	const server = createServer();
	await new Promise<void>(resolve => server.listen(0, address, resolve));
	const {port} = server.address() as {port: number};
	await new Promise(resolve => server.close(resolve));
	return port;
}
