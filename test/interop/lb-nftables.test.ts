import {execFileSync, spawn} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import test from 'ava';
import {peerTest} from './peer-test.js';

/**
 * The balancer on nftables and the masquerade for pods, on this machine's kernel, in network namespaces of their own: a node, a pod on it, and two servers
 * on a bridge. nft and conntrack say what they see.
 */
const versions = {
	'4': {
		virtual: '10.103.97.2',
		...{node: '10.9.0.1', servers: ['10.9.0.2', '10.9.0.3'], pod: '10.244.0.9', gateway: '10.244.0.1', bits: 24},
		forwarding: 'net/ipv4/ip_forward',
	},
	'6': {
		virtual: 'fd00:97::2',
		...{node: 'fd09::1', servers: ['fd09::2', 'fd09::3'], pod: 'fd44::9', gateway: 'fd44::1', bits: 64},
		forwarding: 'net/ipv6/conf/all/forwarding',
	},
} as const;
type Version = (typeof versions)[keyof typeof versions];

const home = mkdtempSync(join(tmpdir(), 'sealimage-lb-nftables-'));
test.after.always('remove the folder', () => rmSync(home, {recursive: true}));
const stateFile = join(home, 'state.json');

const run = (line: string): string =>
	execFileSync('sh', ['-ec', line], {
		encoding: 'utf8',
		stdio: ['ignore', 'pipe', 'pipe'],
		// npm puts a tool named nft, of another kind, in front.
		env: {PATH: '/usr/sbin:/usr/bin:/sbin:/bin'},
	});
const inside = (namespace: string, line: string): string => run(`ip netns exec ${namespace} ${line}`);

/** Namespaces, wires and servers; all of it goes at the end of the test. */
async function scene(version: Version, ended: (undo: () => void) => void) {
	const [node, pod, ...servers] = ['node', 'pod', 'a', 'b'].map(name => `lbn${process.pid}${name}`) as [
		string,
		string,
		string,
		string,
	];
	for (const name of [node, pod, ...servers]) {
		run(`ip netns add ${name}`);
		ended(() => run(`ip netns del ${name}`));
		inside(name, 'ip link set lo up');
	}
	const plug = (device: string, there: string, address: string): void => {
		run(`ip -n ${node} link add ${device} type veth peer name eth0 netns ${there}`);
		run(`ip -n ${node} link set ${device} up; ip -n ${there} link set eth0 up`);
		run(`ip -n ${there} addr add ${address}/${version.bits} dev eth0 nodad`);
	};
	run(
		`ip -n ${node} link add br0 type bridge; ip -n ${node} link set br0 up; ip -n ${node} addr add ${version.node}/${version.bits} dev br0 nodad`,
	);
	for (const [index, name] of servers.entries()) {
		plug(`v${index}`, name, version.servers[index] ?? '');
		run(`ip -n ${node} link set v${index} master br0`);
		const program = `require('net').createServer(s=>{s.on('error',()=>{});s.write('${version.servers[index]} '+s.remoteAddress.replace('::ffff:','')+'\\n')}).listen(6443)`;
		const server = spawn('ip', ['netns', 'exec', name, process.execPath, '-e', program], {stdio: 'ignore'});
		ended(() => server.kill());
	}
	plug('p0', pod, version.pod);
	run(
		`ip -n ${node} addr add ${version.gateway}/${version.bits} dev p0 nodad; ip -n ${pod} route add default via ${version.gateway}`,
	);
	inside(node, `sh -c 'echo 1 >/proc/sys/${version.forwarding}'`);
	await sleep(500);
	return {node, pod};
}

/** Calls lib/lb in a namespace. */
function balancer<T>(namespace: string, call: string, version: Version, operations: readonly object[] = []): T {
	const program = `
		import {openTable, prepareNode, readSpec, restoreNode} from ${JSON.stringify(join(process.cwd(), '.build/lib/lb/index.js'))};
		const spec = readSpec(${JSON.stringify({address: version.virtual, members: version.servers.map(address => ({address}))})}, 'the test');
		const options = {form: 'nftables', stateFile: ${JSON.stringify(stateFile)}};
		const apply = async () => {
			const table = await openTable(spec, 'nftables');
			table.apply(${JSON.stringify(operations)});
			return table.read();
		};
		const calls = {apply, prepare: () => prepareNode(spec, options), restore: () => restoreNode(spec, options)};
		console.log(JSON.stringify(await calls.${call}(), (_, each) => (typeof each === 'bigint' ? Number(each) : each)));`;
	const args = ['netns', 'exec', namespace, process.execPath, '--input-type=module', '-e', program];
	return JSON.parse(execFileSync('ip', args, {encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe']})) as T;
}

/** A connection: what the server says of it, or the error. One that stays writes now and then until it is cut. */
function client(namespace: string, {virtual}: Version, stays = false) {
	const program = `
		const s = require('net').connect(6443, '${virtual}');
		s.on('data', d => { process.stdout.write(d); if (!${stays}) s.destroy(); });
		s.on('error', e => process.stdout.write(e.code + '\\n'));
		s.on('close', () => process.exit());
		if (${stays}) setInterval(() => s.write('x'), 100); else s.setTimeout(3000, () => s.destroy(new Error('silent')));`;
	const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, '-e', program], {
		stdio: ['ignore', 'pipe', 'ignore'],
	});
	let said = '';
	child.stdout.on('data', chunk => {
		said += String(chunk);
	});
	return {
		said: () => said.trim().split('\n'),
		ended: new Promise<void>(resolve => child.on('close', () => resolve())),
		stop: () => child.kill(),
	};
}

async function ask(namespace: string, version: Version): Promise<string> {
	const one = client(namespace, version);
	await one.ended;
	return one.said().join(' ');
}

const member = (verb: string, address: string, weight: number): object => ({
	do: verb,
	destination: {address, port: 6443, forwarding: 'masquerade', weight},
});

for (const version of Object.values(versions))
	peerTest(
		`nftables balances ${version.virtual} for the host and for pods, drains, cuts, and goes without a trace`,
		['ip', 'conntrack'],
		async t => {
			const undo: (() => void)[] = [];
			t.teardown(() => {
				for (const step of undo.reverse()) step();
			});
			const {node, pod} = await scene(version, step => undo.push(step));
			const [first = '', second = ''] = version.servers;
			const before = inside(node, 'nft list ruleset');
			t.is(balancer<{nodeAddress: string}>(node, 'prepare', version).nodeAddress, version.node);
			t.deepEqual(balancer<{changes: string[]}>(node, 'prepare', version).changes, []);
			t.is(await ask(node, version), 'ECONNREFUSED');
			inside(node, 'nft add table inet somebody');
			balancer(node, 'apply', version, [member('add-member', first, 1), member('add-member', second, 1)]);

			const rules = inside(node, 'nft list ruleset');
			const family = version.virtual.includes(':') ? 'ip6' : 'ip';
			t.true(
				rules.includes(
					`meta l4proto tcp ct original ${family} daddr ${version.virtual} ct original proto-dst 6443 masquerade`,
				),
				rules,
			);
			t.true(
				rules.includes(
					`${family} daddr ${version.virtual} tcp dport 6443 dnat ${family} to numgen inc mod 2 map @members`,
				),
				rules,
			);
			t.true(rules.includes(`elements = { 0x00000000 : ${first} . 6443, 0x00000001 : ${second} . 6443 }`), rules);

			// Each gets its share, and sees the node, also when a pod asks.
			for (const from of [node, pod]) {
				const answers = [await ask(from, version), await ask(from, version)];
				t.deepEqual(answers.sort(), [`${first} ${version.node}`, `${second} ${version.node}`]);
			}

			const long = [node, node, pod, pod].map(from => client(from, version, true));
			for (const {stop} of long) undo.push(() => stop());
			while (long.some(({said}) => said()[0] === '')) await sleep(50);
			const onFirst = long.filter(({said}) => said()[0]?.startsWith(`${first} `));
			t.is(onFirst.length, 2);

			const drained = balancer<{destinations: {address: string; weight: number; activeConnections: number}[]}>(
				node,
				'apply',
				version,
				[member('edit-member', first, 0)],
			);
			t.like(
				drained.destinations.find(({address}) => address === first),
				{weight: 0, activeConnections: 2},
			);
			for (let i = 0; i < 3; i++) t.is(await ask(pod, version), `${second} ${version.node}`);
			t.true(long.every(({said}) => said().length === 1));

			balancer(node, 'apply', version, [{do: 'delete-member', member: {address: first, port: 6443}}]);
			await Promise.all(onFirst.map(({ended}) => ended));
			t.true(onFirst.every(({said}) => said()[1] === 'ECONNRESET'));
			const tracked = inside(node, `conntrack -L -f ipv${family === 'ip' ? 4 : 6} 2>/dev/null`);
			t.false(
				tracked.split('\n').some(line => line.includes('ESTABLISHED') && line.includes(`src=${first} `)),
				tracked,
			);
			t.true(long.filter(one => !onFirst.includes(one)).every(({said}) => said().length === 1));

			inside(node, 'nft delete table inet somebody');
			t.is(balancer<string[]>(node, 'restore', version).length, 3);
			t.is(inside(node, 'nft list ruleset'), before);
			t.deepEqual(balancer<string[]>(node, 'restore', version), []);
		},
	);
