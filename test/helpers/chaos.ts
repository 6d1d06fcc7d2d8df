import {connect, createServer, type Socket} from 'node:net';
import type {ExecutionContext} from 'ava';

/** What happens to one connection. Offsets count the bytes that passed in that direction. */
export type Fault =
	| {readonly kind: 'none'}
	/** Both sides see a reset after so many bytes. */
	| {readonly kind: 'reset'; readonly direction: Direction; readonly atByte: number}
	/** The receiver sees the end of the stream, as if all had been said. */
	| {readonly kind: 'end'; readonly direction: Direction; readonly atByte: number}
	/** One bit of this byte is another when it arrives. */
	| {readonly kind: 'flip'; readonly direction: Direction; readonly atByte: number}
	/** Nothing passes for some time. */
	| {readonly kind: 'pause'; readonly direction: Direction; readonly atByte: number; readonly forMs: number}
	/** The answer comes from the way between: a busy registry. */
	| {readonly kind: 'status'; readonly status: 429 | 503 | 502}
	/** The connection is never taken. */
	| {readonly kind: 'refuse'};

export type Direction = 'up' | 'down';

export interface Chaos {
	readonly host: string;
	/** How many connections were disturbed. */
	disturbed(): number;
}

/** A way to a server on which each connection meets the next fault of the list; when the list is over, none. */
export async function startChaos(t: ExecutionContext, port: number, faults: readonly Fault[]): Promise<Chaos> {
	let next = 0;
	let disturbed = 0;
	const open = new Set<Socket>();
	const server = createServer(client => {
		const fault = faults[next++] ?? {kind: 'none'};
		if (fault.kind !== 'none') disturbed++;
		open.add(client);
		client.on('close', () => open.delete(client)).on('error', () => {});
		if (fault.kind === 'refuse') client.resetAndDestroy();
		else if (fault.kind === 'status') answerBusy(client, fault.status);
		else relay(client, port, fault);
	});
	await new Promise<void>(resolve => {
		server.listen(0, '127.0.0.1', resolve);
	});
	t.teardown(() => {
		for (const socket of open) socket.destroy();
		server.close();
	});
	const address = server.address();
	const chosen = typeof address === 'object' && address !== null ? address.port : 0;
	return {host: `127.0.0.1:${chosen}`, disturbed: () => disturbed};
}

function answerBusy(client: Socket, status: number): void {
	client.once('data', () => {
		client.end(
			`HTTP/1.1 ${status} Busy\r\nRetry-After: 0\r\nContent-Type: application/json\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{"errors":[]}`,
		);
	});
}

function relay(client: Socket, port: number, fault: Fault): void {
	const server = connect(port, '127.0.0.1');
	server.on('error', () => client.destroy()).on('close', () => client.destroy());
	client.on('close', () => server.destroy());
	pass(client, server, 'up', fault);
	pass(server, client, 'down', fault);
}

function pass(from: Socket, to: Socket, direction: Direction, fault: Fault): void {
	let passed = 0;
	from.on('data', (chunk: Buffer) => {
		const start = passed;
		passed += chunk.length;
		const at = 'direction' in fault && fault.direction === direction ? fault.atByte : Number.POSITIVE_INFINITY;
		if (at < start || at >= passed) {
			if (!to.write(chunk)) hold(from, to);
			return;
		}
		disturb(from, to, chunk, at - start, fault);
	});
	from.on('end', () => to.end());
}

function disturb(from: Socket, to: Socket, chunk: Buffer, at: number, fault: Fault): void {
	const before = chunk.subarray(0, at);
	switch (fault.kind) {
		case 'reset':
			to.write(before);
			from.resetAndDestroy();
			to.resetAndDestroy();
			return;
		case 'end':
			to.end(before);
			from.destroy();
			return;
		case 'flip': {
			const changed = Buffer.from(chunk);
			changed[at] = (changed[at] ?? 0) ^ 1;
			to.write(changed);
			return;
		}
		case 'pause':
			to.write(before);
			from.pause();
			setTimeout(() => {
				if (to.destroyed) return;
				to.write(chunk.subarray(at));
				from.resume();
			}, fault.forMs).unref();
			return;
		default:
			to.write(chunk);
	}
}

function hold(from: Socket, to: Socket): void {
	from.pause();
	to.once('drain', () => from.resume());
}
