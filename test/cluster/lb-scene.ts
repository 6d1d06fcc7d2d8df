import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {createAuthority, issueLeaf} from '../../lib/runtime/pki/authority.js';
import {copyToHost, type LabHost, onHost} from '../lab/hosts.js';
import {putBalancer} from './lb-on-host.js';

/** A server like an API server: /readyz over TLS, and on the same port a plain greeting with its name, after which it echoes. */
const server = `
import {readFileSync} from 'node:fs';
import {createServer as createHttps} from 'node:https';
import {createServer} from 'node:net';
import {hostname} from 'node:os';
const mode = () => { try { return readFileSync('/tmp/mode', 'utf8').trim(); } catch { return 'ok'; } };
const https = createHttps({key: readFileSync('/opt/srv/key.pem'), cert: readFileSync('/opt/srv/cert.pem')}, (request, response) => {
	const answer = () => response.writeHead(mode() === 'unready' ? 500 : 200).end('ok');
	if (mode() === 'slow') setTimeout(answer, 5000); else answer();
});
createServer(socket => {
	socket.on('error', () => {});
	socket.once('data', first => {
		socket.pause();
		socket.unshift(first);
		if (first[0] === 0x16) https.emit('connection', socket);
		else { socket.write(hostname() + '\\n'); socket.pipe(socket); }
	});
}).listen(6443, '0.0.0.0');
`;

/** Opens connections to the virtual address without end and tells what became of them, one line a second. */
const traffic = `
import {connect} from 'node:net';
const [, , address, perSecond, long] = process.argv;
const open = (then) => { const socket = connect(6443, address, () => socket.write('x')); socket.on('error', () => {}); then(socket); return socket; };
let tally = {ok: 0, failed: 0, by: {}, cut: 0, long: 0};
setInterval(() => open(socket => {
	let done = false;
	const end = name => { if (done) return; done = true; clearTimeout(timer); socket.destroy(); if (name) { tally.ok++; tally.by[name] = (tally.by[name] ?? 0) + 1; } else tally.failed++; };
	const timer = setTimeout(() => end(), 1000);
	socket.once('data', bytes => end(bytes.toString().split('\\n')[0]));
	socket.once('error', () => end()); socket.once('close', () => end());
}), 1000 / Number(perSecond));
const living = new Set();
for (let i = 0; i < Number(long); i++) open(socket => {
	living.add(socket);
	const ping = setInterval(() => socket.write('.'), 200);
	socket.resume();
	socket.once('close', () => { clearInterval(ping); living.delete(socket); tally.cut++; });
});
setInterval(() => { console.log(JSON.stringify({...tally, long: living.size, at: Date.now()})); tally = {ok: 0, failed: 0, by: {}, cut: 0, long: 0}; }, 1000);
`;

const daemon = `
import {runDaemon} from './lib.mjs';
const end = new AbortController();
process.on('SIGTERM', () => end.abort());
await runDaemon('/etc/sealimage/lb.json', {signal: end.signal, onEvent: event => console.log(JSON.stringify(event))});
`;

/** Servers on all hosts but the first, and the balancer's program on that one. */
export async function setScene([node, ...servers]: readonly LabHost[]): Promise<void> {
	const dir = mkdtempSync(join(tmpdir(), 'sealimage-scene-'));
	try {
		const authority = await createAuthority({subject: {commonName: 'lab'}});
		writeFileSync(join(dir, 'server.mjs'), server);
		for (const host of servers) {
			const leaf = await issueLeaf(authority, {
				subject: {commonName: 'kube-apiserver'},
				purposes: ['server'],
				alternativeNames: [host.address, host.address6],
			});
			writeFileSync(join(dir, 'key.pem'), leaf.keyPem.reveal());
			writeFileSync(join(dir, 'cert.pem'), leaf.certPem);
			for (const file of ['server.mjs', 'key.pem', 'cert.pem']) copyToHost(host.name, join(dir, file), '/opt/srv');
			copyToHost(host.name, process.execPath, '/opt/srv');
			startServer(host.name);
		}
		if (node === undefined) return;
		await putBalancer(node.name);
		writeFileSync(join(dir, 'ca.crt'), authority.certPem);
		writeFileSync(join(dir, 'daemon.mjs'), daemon);
		writeFileSync(join(dir, 'traffic.mjs'), traffic);
		for (const file of ['ca.crt', 'daemon.mjs', 'traffic.mjs']) copyToHost(node.name, join(dir, file), '/opt/lb');
		onHost(node.name, 'modprobe ip_vs; sync');
	} finally {
		rmSync(dir, {recursive: true});
	}
}

export function startServer(name: string): void {
	onHost(
		name,
		'rm -f /tmp/mode; sync; systemd-run -q --unit=srv --property=Restart=always /opt/srv/node /opt/srv/server.mjs',
	);
}

export function writeBalancerConfig(node: string, members: readonly string[]): void {
	const config = {members, probe: {caFile: '/opt/lb/ca.crt'}, policy: {drainMs: 5000}};
	onHost(
		node,
		`mkdir -p /etc/sealimage; cat > /etc/sealimage/lb.new; mv /etc/sealimage/lb.new /etc/sealimage/lb.json`,
		JSON.stringify(config),
	);
}

export function startBalancer(node: string): void {
	onHost(
		node,
		'systemd-run -q --unit=lb --property=Restart=always --property=RestartSec=3 --working-directory=/opt/lb /opt/lb/node /opt/lb/daemon.mjs',
	);
}

export function startTraffic(node: string, perSecond: number, long: number): void {
	onHost(node, `systemd-run -q --unit=traffic /opt/lb/node /opt/lb/traffic.mjs 10.103.97.2 ${perSecond} ${long}`);
}

/** What one second of traffic came to. */
export interface Second {
	readonly ok: number;
	readonly failed: number;
	/** Greetings by server. */
	readonly by: Readonly<Record<string, number>>;
	/** Long connections that ended, and that live. */
	readonly cut: number;
	readonly long: number;
	readonly at: number;
}

/** The seconds since the time of the host that is given. */
export function secondsSince(node: string, fromMs: number): readonly Second[] {
	const lines = onHost(node, 'journalctl -u traffic -o cat --no-pager').split('\n');
	return lines
		.flatMap(line => (line.startsWith('{') ? [JSON.parse(line) as Second] : []))
		.filter(({at}) => at > fromMs);
}

/** Waits until so many seconds in a row are as wanted. */
export async function untilSteady(
	node: string,
	fromMs: number,
	isWanted: (second: Second) => boolean,
	inARow = 3,
): Promise<readonly Second[]> {
	for (let attempt = 0; attempt < 60; attempt++) {
		const seconds = secondsSince(node, fromMs);
		if (seconds.length >= inARow && seconds.slice(-inARow).every(isWanted)) return seconds;
		await sleep(1000);
	}
	throw new Error(`It never came to that: ${JSON.stringify(secondsSince(node, fromMs).slice(-8))}`);
}

/** Milliseconds since the epoch on the host. */
export function clockOf(node: string): number {
	return Number(onHost(node, 'date +%s%3N'));
}
