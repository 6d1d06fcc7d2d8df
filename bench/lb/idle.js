import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {balancerUnit, unitFile} from '../../dist/lib/lb/unit.js';
import {makeAgent, makeCertificates} from './agent.js';
import {addresses, closeNamespaces, openNamespaces, startInside} from './namespaces.js';
import {enableUnit, node, onHostFolder, openScene} from './scene.js';

const firstPort = 20_000;
/** After the start, until compilers and caches have calmed down. */
const settleMs = 15_000;

/** What `sealimage-agent lb run` costs while nothing happens, in the nftables form on this machine. */
export async function measureIdle({dir, members, seconds}) {
	const prefix = makeAgent(dir);
	const folder = await makeCertificates(join(dir, 'idle'), [addresses.servers]);
	const rows = [];
	openNamespaces();
	try {
		for (const count of members) rows.push(await measureOne({prefix, folder, count, seconds}));
	} finally {
		closeNamespaces();
	}
	return rows;
}

async function measureOne({prefix, folder, count, seconds}) {
	const config = join(folder, 'lb.json');
	const ports = Array.from({length: count}, (_, i) => firstPort + i);
	const written = {
		members: ports.map(port => `${addresses.servers}:${port}`),
		probe: {caFile: join(folder, 'ca.crt')},
		statusPort: 9754,
	};
	writeFileSync(config, JSON.stringify(written));
	const program = join(import.meta.dirname, 'on-host/servers.js');
	const servers = startInside('servers', [process.execPath, program, folder, String(firstPort), String(count)]);
	const balancer = startBalancer(prefix, config);
	try {
		await sleep(settleMs);
		const before = costOf(balancer.pid);
		await sleep(seconds * 1000);
		const after = costOf(balancer.pid);
		const {probes, failedProbes} = await statusOf();
		if (failedProbes > 0) console.error(`${failedProbes} of ${probes} probes failed: the machine is busy`);
		const row = {where: 'this machine, nftables', members: count, seconds, ...compare(before, after, seconds)};
		console.error(`idle, ${count} members: ${row.residentMB.toFixed(1)} MB, ${row.cpuPercent.toFixed(2)}% CPU`);
		return row;
	} catch (error) {
		throw new Error(`The balancer failed: ${balancer.messages()}`, {cause: error});
	} finally {
		await balancer.stop();
		await servers.stop();
	}

	async function statusOf() {
		const asker = startInside('node', ['curl', '-fsS', 'http://127.0.0.1:9754/status']);
		await sleep(1000);
		const {counters, members: found} = JSON.parse(asker.messages());
		if (found.length !== count) throw new Error(`${found.length} members instead of ${count}`);
		return counters;
	}
}

/** The unit itself on a host of the lab, with IPVS; the members are ports of one other host. */
export async function measureLabIdle({dir, members, seconds}) {
	const scene = await openScene(dir, 1);
	const {lab, address} = scene;
	const [server] = scene.members;
	try {
		const most = Math.max(...members);
		const command = `${onHostFolder}/node servers.js ${onHostFolder} ${firstPort} ${most}`;
		enableUnit(lab, server, 'server', command);
		const rows = [];
		for (const count of members) {
			const list = Array.from({length: count}, (_, i) => `${address[server]}:${firstPort + i}`);
			const written = {members: list, probe: {caFile: '/etc/sealimage/ca.crt'}};
			lab.onHost(node, 'cat > /etc/sealimage/lb.json', JSON.stringify(written));
			lab.onHost(node, `cat > ${unitFile} && systemctl daemon-reload && systemctl restart sealimage-lb`, balancerUnit);
			await sleep(settleMs);
			const pid = lab.onHost(node, 'systemctl show -p MainPID --value sealimage-lb').trim();
			const look = () =>
				lab.onHost(node, `cat /proc/${pid}/task/*/schedstat; cat /proc/${pid}/smaps_rollup /proc/${pid}/status`);
			const before = readCost(look());
			await sleep(seconds * 1000);
			const row = {where: 'a lab host, IPVS', members: count, seconds, ...compare(before, readCost(look()), seconds)};
			console.error(
				`idle on a lab host, ${count} members: ${row.residentMB.toFixed(1)} MB, ${row.cpuPercent.toFixed(2)}% CPU`,
			);
			rows.push(row);
		}
		return rows;
	} finally {
		scene.close();
	}
}

/** The agent as its unit starts it, with folders of its own for what it remembers: the machine's are not touched. */
export function startBalancer(prefix, config) {
	const hide = `mkdir -p /var/lib/sealimage /opt/sealimage
		mount -t tmpfs none /var/lib/sealimage
		mount --bind "$1" /opt/sealimage
		exec /opt/sealimage/bin/sealimage-agent lb run --config "$2"`;
	const env = {PATH: process.env.PATH, NOTIFY_SOCKET: '/run/no-such-socket', WATCHDOG_USEC: '20000000'};
	return startInside('node', ['unshare', '--mount', 'sh', '-ec', hide, 'sh', prefix, config], {env});
}

function compare(before, after, seconds) {
	return {
		...after.memory,
		cpuPercent: ((after.cpuSeconds - before.cpuSeconds) / seconds) * 100,
	};
}

function costOf(pid) {
	const read = file => readFileSync(`/proc/${pid}/${file}`, 'utf8');
	const threads = readdirSync(`/proc/${pid}/task`).map(thread => read(`task/${thread}/schedstat`));
	return readCost([...threads, read('smaps_rollup'), read('status')].join(''));
}

/** The lines of schedstat of all threads (nanoseconds on a processor first), of smaps_rollup and of status. */
function readCost(text) {
	const threads = text.match(/^\d+ \d+ \d+$/gm) ?? [];
	const cpuSeconds = threads.reduce((sum, line) => sum + Number(line.split(' ')[0]) / 1e9, 0);
	return {cpuSeconds, memory: memoryOf(text)};
}

/** Private: would be free if the process ended. Anonymous: heap and stacks; the rest is the program itself, which the kernel can drop and read again. */
function memoryOf(text) {
	const sum = pattern => [...text.matchAll(pattern)].reduce((total, [, kib]) => total + Number(kib), 0) / 1024;
	return {
		residentMB: sum(/^VmRSS:\s+(\d+) kB/gm),
		privateMB: sum(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm),
		anonymousMB: sum(/^RssAnon:\s+(\d+) kB/gm),
		peakMB: sum(/^VmHWM:\s+(\d+) kB/gm),
	};
}
