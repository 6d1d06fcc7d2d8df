import {createServer, request as send} from 'node:http';
import {connect, type Socket} from 'node:net';
import type {ExecutionContext} from 'ava';
import {listen} from './registry.js';

export interface TestProxy {
	/** `127.0.0.1:port`. */
	readonly host: string;
	/** `CONNECT host:port` and `GET http://...`, in order. */
	readonly requests: string[];
	/** The value of Proxy-Authorization of each. */
	readonly logins: (string | undefined)[];
}

/** A real proxy on loopback: tunnels and forwards. Every name leads to loopback, port 80 and 443 to `target`. */
export async function startProxy(t: ExecutionContext, target: string, login?: string): Promise<TestProxy> {
	const [requests, logins]: [string[], (string | undefined)[]] = [[], []];
	const wanted = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`;
	const port = Number(target.split(':')[1]);
	const allows = (line: string, given: string | undefined): boolean => {
		requests.push(line);
		logins.push(given);
		return wanted === undefined || given === wanted;
	};
	const server = createServer((request, response) => {
		const {method, url = '', headers} = request;
		if (!allows(`${method} ${url}`, headers['proxy-authorization'])) {
			response.writeHead(407, {'proxy-authenticate': 'Basic realm="p"'}).end();
			return;
		}
		const {pathname, search} = new URL(url);
		const path = `${pathname}${search}`;
		const forwarded = send({port, host: '127.0.0.1', method, path, headers}, answer => {
			response.writeHead(answer.statusCode ?? 500, answer.headers);
			answer.pipe(response);
		});
		request.pipe(forwarded);
	});
	const open = new Set<Socket>();
	server.on('connect', (request, socket: Socket) => {
		if (!allows(`CONNECT ${request.url}`, request.headers['proxy-authorization'])) {
			socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
			return;
		}
		const tunnel = connect(port, '127.0.0.1', () => {
			socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
			tunnel.pipe(socket).pipe(tunnel);
		});
		for (const one of [socket, tunnel]) {
			open.add(one);
			one.on('error', () => one.destroy());
			one.on('close', () => tunnel.destroy());
		}
	});
	t.teardown(() => {
		for (const one of open) one.destroy();
	});
	return {host: await listen(t, server), requests, logins};
}
