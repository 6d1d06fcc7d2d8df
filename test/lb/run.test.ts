import {createServer, type Server} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../lib/core/events.js';
import {runBalancer} from '../../lib/lb/run.js';
import {type BalancerSpec, readSpec} from '../../lib/lb/spec.js';
import {ipvsForm} from '../../lib/lb/table.js';
import {ipvsModel} from '../helpers/ipvs-model.js';

/** Servers on addresses of loopback that can be stopped and started. */
async function servers(t: ExecutionContext, count: number) {
	const running = new Map<string, Server>();
	let port = 0;
	const start = async (address: string): Promise<void> => {
		const server = createServer(socket => socket.destroy());
		await new Promise<void>((resolve, reject) => {
			server.once('error', reject).listen(port, address, resolve);
		});
		port = (server.address() as {port: number}).port;
		running.set(address, server);
	};
	const stop = async (address: string): Promise<void> => {
		const server = running.get(address);
		running.delete(address);
		await new Promise(resolve => server?.close(resolve));
	};
	const addresses = Array.from({length: count}, (_, i) => `127.0.0.${i + 10}`);
	for (const address of addresses) await start(address);
	t.teardown(async () => {
		for (const address of [...running.keys()]) await stop(address);
	});
	return {addresses, port, start, stop};
}

function specOf(members: readonly string[], port: number): BalancerSpec {
	const probe = {kind: 'tcp', intervalMs: 100, timeoutMs: 1000};
	return readSpec({address: '10.103.97.2', port, members, probe, policy: {drainMs: 0}}, 'the test');
}

async function until(t: ExecutionContext, isTrue: () => boolean, what: string): Promise<void> {
	for (let i = 0; i < 1000 && !isTrue(); i++) await new Promise(resolve => setTimeout(resolve, 10));
	t.true(isTrue(), what);
}

test('the table is there at once, and follows the life of the servers', async t => {
	const {addresses, port, start, stop} = await servers(t, 3);
	const model = ipvsModel();
	const end = new AbortController();
	const events: SealEvent[] = [];
	const lb = runBalancer(specOf(addresses, port), ipvsForm({address: '10.103.97.2', port}, model), {
		signal: end.signal,
		onEvent: event => events.push(event),
	});
	t.is(model.members.size, 3);
	await stop('127.0.0.10');
	await until(t, () => model.members.size === 2, 'the dead one is gone');
	t.like(
		events.find(event => event.type === 'balancer.member' && event.to === 'dead'),
		{member: `127.0.0.10:${port}`, why: 'the connection is refused (2 times)'},
	);
	await start('127.0.0.10');
	await until(t, () => model.members.size === 3, 'it is back');
	model.flush();
	await until(t, () => model.members.size === 3, 'a flushed table is mended');
	t.true(lb.counters.repairs > 0);
	t.is(lb.counters.deaths, 1);
	end.abort();
	await lb.done;
	t.is(model.members.size, 3, 'the table stays');
});

test('members come and go while it runs', async t => {
	const {addresses, port} = await servers(t, 3);
	const model = ipvsModel();
	const end = new AbortController();
	const lb = runBalancer(specOf(addresses.slice(0, 2), port), ipvsForm({address: '10.103.97.2', port}, model), {
		signal: end.signal,
	});
	lb.update(specOf(addresses.slice(1), port));
	await until(
		t,
		() => [...model.members.keys()].join() === `127.0.0.11:${port},127.0.0.12:${port}`,
		'one went, one came',
	);
	t.deepEqual(
		lb.members().map(({member, phase}) => [member.address, phase]),
		[
			['127.0.0.11', 'healthy'],
			['127.0.0.12', 'healthy'],
		],
	);
	end.abort();
	await lb.done;
});

test('members that work cost one look at the table an interval, however many they are', async t => {
	const {addresses, port} = await servers(t, 10);
	const table = ipvsForm({address: '10.103.97.2', port}, ipvsModel());
	const end = new AbortController();
	let looks = 0;
	let nowMs = 0;
	const lb = runBalancer(
		specOf(addresses, port),
		{
			...table,
			read() {
				looks++;
				return table.read();
			},
		},
		{signal: end.signal, now: () => nowMs},
	);
	await until(t, () => lb.counters.probes > 20, 'all are asked');
	t.is(looks, 1);
	nowMs = 100;
	const {probes} = lb.counters;
	await until(t, () => lb.counters.probes > probes + 20, 'all are asked again');
	t.is(looks, 2);
	end.abort();
	await lb.done;
});

test('a kernel that refuses is told once and asked again', async t => {
	const {addresses, port} = await servers(t, 2);
	const model = ipvsModel();
	const end = new AbortController();
	const events: SealEvent[] = [];
	const lb = runBalancer(specOf(addresses, port), ipvsForm({address: '10.103.97.2', port}, model), {
		signal: end.signal,
		onEvent: event => events.push(event),
	});
	model.refuse = new Error('no');
	await until(t, () => lb.failure !== undefined, 'it is noticed');
	const probes = lb.counters.probes;
	await until(t, () => lb.counters.probes > probes + 4, 'it goes on probing');
	t.is(events.filter(event => event.type === 'balancer.failed').length, 1);
	model.refuse = undefined;
	await until(t, () => lb.failure === undefined, 'it is over');
	end.abort();
	await lb.done;
});

test('rules that cannot be written at the start are an error', t => {
	const model = ipvsModel();
	model.refuse = new Error('no');
	const port = 6443;
	t.throws(() => runBalancer(specOf(['127.0.0.1'], port), ipvsForm({address: '10.103.97.2', port}, model)), {
		message: 'no',
	});
});
