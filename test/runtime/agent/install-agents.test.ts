import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {digestOf} from '../../../lib/oci/digest.js';
import type {AgentBundle} from '../../../lib/runtime/agent/bundle/bundle.js';
import {installAgents} from '../../../lib/runtime/agent/install-agents.js';
import {agentProtocol} from '../../../lib/runtime/agent/protocol.js';
import type {HostTarget} from '../../../lib/runtime/host/target.js';
import {createFakeHost, type FakeHost} from '../../../lib/runtime/transport/fake/host.js';
import type {Transport} from '../../../lib/runtime/transport/transport.js';
import {smallBundle} from '../../helpers/agent-bundle.js';
import {programTransport} from '../../helpers/program-transport.js';
import {tempDir} from '../../helpers/temp-dir.js';

const large = 9 * 1024 * 1024;

test('two hosts get the large file from the operator, all others from hosts that have it, two at a time', async t => {
	const world = createWorld(12);
	const sent = await install(t, world);
	t.is(sent.filter(bytes => bytes > large).length, 2);
	t.is(world.taken, 10);
	t.true(world.mostTakers <= 2, `${world.mostTakers} at once from one host`);
});

test('hosts that do not reach each other all get it from the operator', async t => {
	const world = createWorld(12, {reachable: false});
	const sent = await install(t, world);
	t.is(sent.filter(bytes => bytes > large).length, 12);
	t.true(world.tried <= 12, `${world.tried} attempts`);
});

test('hosts without curl, wget and bash get it from the operator', async t => {
	const world = createWorld(5, {tools: ['gzip']});
	t.is((await install(t, world)).filter(bytes => bytes > large).length, 5);
	t.is(world.tried, 0);
});

for (const [what, offer] of [
	["another machine's loopback", {addresses: [{address: '127.0.0.1', port: 2000}], path: `/${'a'.repeat(32)}`}],
	['a path of its own choice', {addresses: [{address: '10.0.0.1', port: 2000}], path: '/etc/passwd'}],
	['nothing', null],
] as const) {
	test(`a host that offers ${what} is not sent to others`, async t => {
		const world = createWorld(5, {offer});
		t.is((await install(t, world)).filter(bytes => bytes > large).length, 5);
		t.is(world.tried, 0);
	});
}

test('without relaying every host is sent everything', async t => {
	const world = createWorld(4);
	t.is((await install(t, world, {hostToHost: false})).filter(bytes => bytes > large).length, 4);
});

test('the failure of one host is its own, and all transports are closed', async t => {
	const world = createWorld(6);
	world.hosts[0]!.on(/finish/, {code: 1, stderr: 'mkdir: Read-only file system'});
	const outcomes = await outcomesOf(t, world);
	t.deepEqual(
		outcomes.map(({ok}) => ok),
		[false, true, true, true, true, true],
	);
	t.is(world.open, 0);
});

interface World {
	readonly hosts: readonly FakeHost[];
	transport(name: string): Transport;
	open: number;
	taken: number;
	tried: number;
	mostTakers: number;
}

/** Hosts on which nothing real happens; `offer` is what their agents answer when they are asked to pass the file on. */
function createWorld(
	count: number,
	{
		reachable = true,
		tools = ['gzip', 'curl'],
		offer = undefined as unknown,
	}: {readonly reachable?: boolean; readonly tools?: readonly string[]; readonly offer?: unknown} = {},
): World {
	const takers = new Map<string, number>();
	const hosts = Array.from({length: count}, (_, i) => createFakeHost({name: `h${i}`}));
	const world: World = {hosts, transport, open: 0, taken: 0, tried: 0, mostTakers: 0};
	for (const host of hosts) {
		host.on(/sealimage-agent-survey/, `libc glibc 2.36\n${tools.map(tool => `tool ${tool}\n`).join('')}`);
		host.on(/sealimage-agent-finish/, 'start\n{"id":0,"result":{"id":"x","removed":[]}}\n');
		host.on(/sealimage-agent-take/, async ({argv}) => {
			const from = argv.at(-2)!;
			world.tried++;
			takers.set(from, (takers.get(from) ?? 0) + 1);
			world.mostTakers = Math.max(world.mostTakers, takers.get(from)!);
			await sleep(20);
			takers.set(from, takers.get(from)! - 1);
			if (!reachable) return {code: 1};
			world.taken++;
			return 'done\n';
		});
	}
	function transport(name: string): Transport {
		const index = Number(name.slice(1));
		const {transport: fake} = hosts[index]!;
		const own = {addresses: [{address: `10.0.0.${index + 1}`, port: 2000}], path: `/${'b'.repeat(32)}`};
		const answer = JSON.stringify(offer === undefined ? own : offer);
		const hello = JSON.stringify({hello: {protocol: agentProtocol, version: '1.0.0', platform: 'linux/amd64'}});
		const script = `echo '${hello}'; id=0; while read -r line; do id=$((id + 1)); echo '{"id":'$id',"result":${answer}}'; done`;
		const agent = programTransport(['sh', '-c', script], name);
		world.open++;
		return {
			host: name,
			spawn: (argv, options) => (argv.at(-1) === 'session' ? agent : fake).spawn(argv, options),
			close: async () => void world.open--,
			[Symbol.asyncDispose]: async () => {},
		};
	}
	return world;
}

async function install(
	t: ExecutionContext,
	world: World,
	options: {readonly hostToHost?: boolean} = {},
): Promise<readonly number[]> {
	const outcomes = await outcomesOf(t, world, options);
	return outcomes.map(outcome => {
		if (!outcome.ok) throw outcome.error;
		return outcome.value.sentBytes;
	});
}

async function outcomesOf(
	t: ExecutionContext,
	world: World,
	options: {readonly hostToHost?: boolean} = {},
): ReturnType<typeof installAgents> {
	const bundle = withLargeFile(smallBundle());
	const targets = world.hosts.map(({name}): HostTarget => ({name, address: name, roles: [], login: {}}));
	return await installAgents(targets, target => world.transport(target.name), {
		bundle: async () => bundle,
		cacheDir: tempDir(t),
		...options,
	});
}

function withLargeFile(bundle: AgentBundle): AgentBundle {
	const bytes = Buffer.alloc(large, 7);
	const file = {name: 'large', mode: 0o644, sizeBytes: large, digest: digestOf(bytes)};
	return {...bundle, files: [...bundle.files, {...file, content: {kind: 'bytes', bytes}}]};
}
