import {EventEmitter, once} from 'node:events';
import {setTimeout as sleep} from 'node:timers/promises';
import {namespaceSite} from './namespace-site.js';
import {memberOf, putCertificates} from './scene.js';
import type {Site} from './site.js';

/**
 * What a probe costs a server: bytes and packets on its network device, and processor time of its program, which is Node's TLS here. Prints the cost of the
 * first probe, with the handshake, and of one on a connection that is kept; and what 1,000 nodes cost each of three masters.
 */
const rounds = 5000;
const nodes = 1000;

interface Cost {
	readonly bytes: number;
	readonly packets: number;
	readonly cpuMs: number;
}

const site = namespaceSite('4');
try {
	await putCertificates(site);
	site.start('a', 'server', ['a', site.folder('a')]);
	await listening(site);
	const lines = new EventEmitter();
	const empty = spent(site);
	site.start('node', 'prober', [memberOf(site, 'a'), `${site.folder('node')}/ca.crt`, String(rounds)], line => {
		if (line === 'done') lines.emit('done');
	});
	await once(lines, 'done');
	const first = spent(site);
	const round = async (): Promise<Cost> => {
		const before = spent(site);
		site.signal('node', 'prober', 'SIGUSR2');
		await once(lines, 'done');
		return less(spent(site), before);
	};
	// The first round is slower: the server's code is not compiled yet.
	await round();
	const {bytes, packets, cpuMs} = await round();
	const handshake = less(first, empty);
	const perSecond = nodes / rounds;
	console.log(`| | bytes | packets | processor time |
|---|---:|---:|---:|
| first probe, with its handshake | ${handshake.bytes} | ${handshake.packets} | |
| each further probe | ${(bytes / rounds).toFixed(0)} | ${(packets / rounds).toFixed(1)} | ${((1000 * cpuMs) / rounds).toFixed(0)} µs |
| ${nodes} nodes, each second, at each master | ${(bytes * perSecond).toFixed(0)} | ${(packets * perSecond).toFixed(0)} | ${(cpuMs * perSecond).toFixed(0)} ms |`);
} finally {
	await site.close();
}

/** Since the server was started. */
function spent({run, pid}: Site): Cost {
	// Bytes and packets received, six more numbers, bytes and packets sent.
	const device = /eth0:(.*)/.exec(run('a', 'cat /proc/net/dev'))?.[1]?.trim().split(/\s+/).map(Number) ?? [];
	const [bytesIn = 0, packetsIn = 0] = device;
	const [bytesOut = 0, packetsOut = 0] = device.slice(8);
	// proc_pid_stat(5): utime and stime, in hundredths of a second; the name before them may hold spaces.
	const stat =
		run('a', `cat /proc/${pid('a', 'server')}/stat`)
			.split(') ')[1]
			?.split(' ') ?? [];
	return {
		bytes: bytesIn + bytesOut,
		packets: packetsIn + packetsOut,
		cpuMs: 10 * (Number(stat[11]) + Number(stat[12])),
	};
}

function less(now: Cost, before: Cost): Cost {
	return {bytes: now.bytes - before.bytes, packets: now.packets - before.packets, cpuMs: now.cpuMs - before.cpuMs};
}

async function listening({run}: Site): Promise<void> {
	while (!run('a', 'cat /proc/net/tcp6').includes(':192B ')) await sleep(100);
}
