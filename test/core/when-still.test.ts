import {once} from 'node:events';
import {type AddressInfo, connect, createServer, type Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {whenStill} from '../../lib/core/when-still.js';

async function pair(t: ExecutionContext): Promise<readonly [Socket, Socket]> {
	const server = createServer();
	await once(server.listen(0, '127.0.0.1'), 'listening');
	const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
	const [far] = (await once(server, 'connection')) as [Socket];
	t.teardown(() => {
		near.destroy();
		far.destroy();
		server.close();
	});
	return [near.resume(), far];
}

/** What a machine does that is paused for so long. */
function standStill(ms: number): void {
	Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

test('a socket on which nothing came is still', async t => {
	const [near] = await pair(t);
	await new Promise<void>(resolve => near.setTimeout(20, () => whenStill(near, resolve)));
	t.pass();
});

test('what came while this process could not run counts', async t => {
	const [near, far] = await pair(t);
	// Timers come next, and reading after them.
	await new Promise(resolve => setImmediate(resolve));
	let timeouts = 0;
	near.setTimeout(100);
	near.once('timeout', () => {
		timeouts++;
		whenStill(near, () => near.destroy(new Error('it was still')));
	});
	// The kernel has the byte before the timer is due, and nobody reads it before that goes off.
	far.write('x');
	standStill(300);
	await once(near, 'data');
	t.is(timeouts, 1, 'the timer went off first');
	await new Promise(resolve => setImmediate(() => setImmediate(resolve)));
	t.false(near.destroyed);
});

test('a socket that has ended meanwhile is not told of', async t => {
	const [near] = await pair(t);
	whenStill(near, () => t.fail());
	near.destroy();
	await new Promise(resolve => setImmediate(() => setImmediate(resolve)));
	t.pass();
});
