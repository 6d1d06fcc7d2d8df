import type {ExecutionContext} from 'ava';
import {bootHosts, cable, crash, onHost} from '../lab/hosts.js';
import {onLabHosts} from './lab-test.js';
import {
	clockOf,
	type Second,
	secondsSince,
	setScene,
	startBalancer,
	startServer,
	startTraffic,
	untilSteady,
	writeBalancerConfig,
} from './lb-scene.js';

// A node, three servers, connections all the time: what each trouble costs is in the log of the tests.
const labTest = onLabHosts(['lb-node', 'lb-a', 'lb-b', 'lb-c']);
const node = 'lb-node';
const perSecond = 40;
const long = 12;

/** Nothing fails, and exactly these servers answer. */
const onlyBy =
	(...names: readonly string[]) =>
	(second: Second): boolean =>
		second.failed === 0 && second.ok > 0 && Object.keys(second.by).every(name => names.includes(name));
const byAll = (second: Second): boolean => second.failed === 0 && Object.keys(second.by).length === 3;

/** What a trouble cost. */
function tell(t: ExecutionContext, what: string, seconds: readonly Second[], fromMs: number): void {
	const failed = seconds.reduce((sum, second) => sum + second.failed, 0);
	const last = seconds.findLast(second => second.failed > 0)?.at;
	const cut = seconds.reduce((sum, second) => sum + second.cut, 0);
	t.log(
		`${what}: ${failed} connections failed, the last in second ${last === undefined ? 0 : Math.ceil((last - fromMs) / 1000)}; ${cut} long ones cut`,
	);
}

labTest('all three servers get connections from the first second on', async (t, hosts) => {
	await setScene(hosts);
	writeBalancerConfig(
		node,
		hosts.slice(1).map(host => host.address),
	);
	startBalancer(node);
	const fromMs = clockOf(node);
	startTraffic(node, perSecond, long);
	await untilSteady(node, fromMs, second => byAll(second) && second.long === long);
	t.pass();
});

labTest('a power cut of one server ends its connections and leaves the others alone', async t => {
	const fromMs = clockOf(node);
	crash('lb-a');
	const seconds = await untilSteady(node, fromMs, onlyBy('lb-b', 'lb-c'));
	tell(t, 'power cut', seconds, fromMs);
	const {long: left} = seconds.at(-1)!;
	t.true(left > 0 && left < long, `${left} of ${long} long connections live`);
});

labTest('it comes back and gets connections again', async t => {
	await bootHosts(['lb-a']);
	const fromMs = clockOf(node);
	startServer('lb-a');
	await untilSteady(node, fromMs, byAll);
	t.is(
		secondsSince(node, fromMs).reduce((sum, second) => sum + second.failed, 0),
		0,
	);
});

labTest('a server whose cable is out is left out until it is in again', async t => {
	const fromMs = clockOf(node);
	cable('lb-b', 'out');
	tell(t, 'cable out', await untilSteady(node, fromMs, onlyBy('lb-a', 'lb-c')), fromMs);
	cable('lb-b', 'in');
	await untilSteady(node, clockOf(node), byAll);
	t.pass();
});

labTest('a server that takes connections and never answers is left out', async t => {
	const fromMs = clockOf(node);
	onHost('lb-c', 'systemctl kill --signal=STOP srv');
	tell(t, 'hanging server', await untilSteady(node, fromMs, onlyBy('lb-a', 'lb-b')), fromMs);
	onHost('lb-c', 'systemctl kill --signal=CONT srv');
	await untilSteady(node, clockOf(node), byAll);
	t.pass();
});

labTest('so is one that needs five seconds to say how it is', async t => {
	const fromMs = clockOf(node);
	onHost('lb-c', 'echo slow > /tmp/mode');
	await untilSteady(node, fromMs, onlyBy('lb-a', 'lb-b'));
	t.is(
		secondsSince(node, fromMs).reduce((sum, second) => sum + second.failed, 0),
		0,
	);
	onHost('lb-c', 'rm /tmp/mode');
	await untilSteady(node, clockOf(node), byAll);
});

labTest('a server that shuts down in order costs no connection', async t => {
	const fromMs = clockOf(node);
	onHost('lb-b', 'echo unready > /tmp/mode');
	const seconds = await untilSteady(node, fromMs, onlyBy('lb-a', 'lb-c'));
	t.is(
		seconds.reduce((sum, second) => sum + second.failed, 0),
		0,
	);
	onHost('lb-b', 'rm /tmp/mode');
	await untilSteady(node, clockOf(node), byAll);
});

labTest('a balancer that is killed leaves the rules, and the next one takes them over', async t => {
	const fromMs = clockOf(node);
	onHost(node, 'systemctl kill --signal=KILL lb');
	const seconds = await untilSteady(node, fromMs, byAll, 6);
	t.is(
		seconds.reduce((sum, second) => sum + second.failed, 0),
		0,
	);
	t.is(onHost(node, 'systemctl is-active lb'), 'active\n');
});

labTest('a table that somebody else flushed is there again', async t => {
	const fromMs = clockOf(node);
	onHost(
		node,
		`cd /opt/lb && ./node -e "import('./lib.mjs').then(async lb => { const t = await lb.openTable(lb.readSpec({members: ['10.0.0.1']}, 'x'), 'ipvs'); t.remove(); t.close(); })"`,
	);
	tell(t, 'flushed', await untilSteady(node, fromMs, byAll), fromMs);
	t.pass();
});

labTest('a broken file changes nothing, and a member that is taken off is drained', async (t, [, a, b]) => {
	let fromMs = clockOf(node);
	onHost(node, 'echo "{" > /etc/sealimage/lb.json');
	await untilSteady(node, fromMs, byAll, 5);
	t.regex(onHost(node, 'journalctl -u lb -o cat --no-pager | tail -3'), /it is no JSON/);
	fromMs = clockOf(node);
	writeBalancerConfig(node, [a.address, b.address]);
	const seconds = await untilSteady(node, fromMs, onlyBy('lb-a', 'lb-b'));
	t.is(
		seconds.reduce((sum, second) => sum + second.failed, 0),
		0,
	);
});

labTest('all servers gone and back', async t => {
	let fromMs = clockOf(node);
	for (const name of ['lb-a', 'lb-b']) onHost(name, 'systemctl stop srv');
	await untilSteady(node, fromMs, ({ok}) => ok === 0);
	fromMs = clockOf(node);
	for (const name of ['lb-a', 'lb-b']) startServer(name);
	tell(
		t,
		'all gone',
		await untilSteady(node, fromMs, second => onlyBy('lb-a', 'lb-b')(second) && Object.keys(second.by).length === 2),
		fromMs,
	);
	t.pass();
});
