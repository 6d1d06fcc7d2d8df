import {execFileSync} from 'node:child_process';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {balancerUnit, unitFile} from '../../dist/lib/lb/unit.js';
import {median} from '../measure.js';
import {makeAgent} from './agent.js';
import {startBalancer} from './idle.js';
import {addresses, closeNamespaces, openNamespaces, startInside} from './namespaces.js';
import {packedCommand, packProgram, proxyConfig, serverConfig} from './programs.js';
import {enableUnit, node, openScene, port, virtualAddress} from './scene.js';

const proxyAddress = '127.0.0.1:16443';
const virtual = `${virtualAddress}:${port}`;

/**
 * From which ports each way begins its connections. A server keeps a closed connection for a minute (TIME_WAIT) and takes a new one with the same addresses and
 * ports only if its timestamps go on where the old one's stood. Those depend on the address that the client asks for: what went straight to a server, and then
 * comes to it by another way, would wait a second for every such port.
 */
const portsOf = ['10000 27999', '28000 45999', '46000 63999'];

/** What goes over a way: `ab` with these words. */
const loads = {
	connections: {title: 'new connections, 16 at once', words: count => ['-n', count, '-c', '16'], path: '/'},
	requests: {title: 'requests on 16 connections', words: count => ['-k', '-n', count, '-c', '16'], path: '/'},
	bytes: {title: '1 MB answers on 4 connections', words: count => ['-k', '-n', count, '-c', '4'], path: '/large'},
};

/** IPVS against haproxy between hosts of the lab: a node and two servers, each with a kernel of its own. */
export async function measureLabPath({dir, runs}) {
	const scene = await openScene(dir, 2);
	const {lab, address, members} = scene;
	try {
		const at = members.map(name => `${address[name]}:${port}`);
		const large = join(dir, 'large');
		writeFileSync(large, Buffer.alloc(1e6, 'x'));
		for (const name of [node, ...members]) {
			lab.copyToHost(name, packProgram('haproxy', dir), '/opt');
			lab.copyToHost(name, large, '/opt');
			lab.onHost(name, 'cat > /opt/server.cfg', serverConfig([port], '/opt/large'));
		}
		lab.copyToHost(node, packProgram('ab', dir), '/opt');
		lab.onHost(node, 'cat > /opt/proxy.cfg', proxyConfig(proxyAddress, at));
		for (const name of members) enableUnit(lab, name, 'server', `${packedCommand('haproxy')} -f /opt/server.cfg`);
		enableUnit(lab, node, 'proxy', `${packedCommand('haproxy')} -f /opt/proxy.cfg`);
		lab.onHost(node, 'cat > /etc/sealimage/lb.json', JSON.stringify({members: at, probe: {kind: 'tcp'}}));
		lab.onHost(node, `cat > ${unitFile} && systemctl daemon-reload && systemctl start sealimage-lb`, balancerUnit);
		await sleep(3000);
		const bench = {
			ways: {direct: at[0], ipvs: virtual, haproxy: proxyAddress},
			counts: {connections: 2000, requests: 4000, bytes: 60},
			run(words, url, ports) {
				const line = `sysctl -qw net.ipv4.ip_local_port_range="${ports}"; read before </proc/stat; ${packedCommand('ab')} ${words.join(' ')} -q -e /tmp/ab.csv ${url}; read after </proc/stat; echo "$before"; echo "$after"; cat /tmp/ab.csv`;
				const text = lab.onHost(node, line);
				const [before, after] = [...text.matchAll(/^cpu +(.*)$/gm)].map(([, list]) => list.split(' ').map(Number));
				return {text, cpuSeconds: busySeconds(after) - busySeconds(before)};
			},
		};
		return await measureWays(bench, 'lab hosts', runs);
	} finally {
		scene.close();
	}
}

/** The nftables form against haproxy between two network namespaces of this machine: one kernel, the real processors. */
export async function measureLocalPath({dir, runs}) {
	const folder = join(dir, 'path');
	mkdirSync(folder, {recursive: true});
	const file = (name, text) => {
		writeFileSync(join(folder, name), text);
		return join(folder, name);
	};
	const large = file('large', Buffer.alloc(1e6, 'x'));
	const ports = [port, port + 1];
	const members = ports.map(each => `${addresses.servers}:${each}`);
	openNamespaces();
	const started = [
		startInside('servers', ['haproxy', '-f', file('server.cfg', serverConfig(ports, large))]),
		startInside('node', ['haproxy', '-f', file('proxy.cfg', proxyConfig(proxyAddress, members))]),
		startBalancer(makeAgent(dir), file('lb.json', JSON.stringify({members, probe: {kind: 'tcp'}, statusPort: 0}))),
	];
	try {
		await sleep(5000);
		const csv = join(folder, 'ab.csv');
		const bench = {
			ways: {direct: members[0], nftables: virtual, haproxy: proxyAddress},
			counts: {connections: 8000, requests: 60_000, bytes: 4000},
			run(words, url, ports) {
				execFileSync('ip', [
					...['netns', 'exec', 'sealimage-bench-a', 'sysctl', '-qw'],
					`net.ipv4.ip_local_port_range=${ports}`,
				]);
				const argv = ['ab', ...words, '-q', '-e', csv, url].map(String);
				const before = started.reduce((sum, {pid}) => sum + processSeconds(pid), 0);
				const timed = ['netns', 'exec', 'sealimage-bench-a', '/usr/bin/time', '-f', 'own %U %S', ...argv];
				const text = execFileSync('sh', ['-c', 'exec ip "$@" 2>&1', 'sh', ...timed], {encoding: 'utf8'});
				const own = /^own (\S+) (\S+)$/m.exec(text);
				const after = started.reduce((sum, {pid}) => sum + processSeconds(pid), 0);
				return {
					text: `${text}\n${readFileSync(csv, 'utf8')}`,
					cpuSeconds: after - before + Number(own[1]) + Number(own[2]),
				};
			},
		};
		return await measureWays(bench, 'this machine', runs);
	} finally {
		for (const one of started) await one.stop();
		closeNamespaces();
	}
}

/** Every load over every way in turns, so that a slow minute hits all alike; of each the median. */
async function measureWays({ways, counts, run}, where, runs) {
	const samples = {};
	for (let round = 0; round < runs; round++) {
		for (const [load, {words, path}] of Object.entries(loads)) {
			for (const [index, [way, target]] of Object.entries(ways).entries()) {
				const {text, cpuSeconds} = run(words(counts[load]), `http://${target}${path}`, portsOf[index]);
				samples[`${load} ${way}`] = [...(samples[`${load} ${way}`] ?? []), {...readReport(text), cpuSeconds}];
				await sleep(300);
			}
		}
	}
	return Object.entries(samples).map(([key, list]) => {
		const [load, way] = key.split(' ');
		const of = pick => median(list.map(pick));
		const row = {
			where,
			load,
			title: loads[load].title,
			way,
			perSecond: of(one => one.perSecond),
			p50: of(one => one.p50),
			p99: of(one => one.p99),
			cpuPer10000: of(one => (one.cpuSeconds / counts[load]) * 10_000),
			failed: list.reduce((sum, one) => sum + one.failed, 0),
		};
		console.error(`${where}, ${row.title}, ${way}: ${row.perSecond.toFixed(0)}/s`);
		return row;
	});
}

/** What ab prints, and the lines "50,1.234" of its table of percentiles. */
function readReport(text) {
	const value = pattern => Number(pattern.exec(text)?.[1] ?? Number.NaN);
	return {
		perSecond: value(/^Requests per second: +([\d.]+)/m),
		failed: value(/^Failed requests: +(\d+)/m),
		p50: value(/^50,([\d.]+)$/m),
		p99: value(/^99,([\d.]+)$/m),
	};
}

/** proc_stat(5): user, nice, system, idle, iowait, irq, softirq in ticks of 10 ms. */
function busySeconds([user, nice, system, , , irq, softirq]) {
	return (user + nice + system + irq + softirq) / 100;
}

/** A process with its threads, proc_pid_stat(5). */
function processSeconds(pid) {
	const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
		.replace(/^.*\) /s, '')
		.split(' ');
	return (Number(fields[11]) + Number(fields[12])) / 100;
}
