import {existsSync, readFileSync, renameSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../lib/core/events.js';
import {type DaemonOptions, runDaemon} from '../../lib/lb/daemon.js';
import {askStatus} from '../../lib/lb/status-server.js';
import {ipvsForm} from '../../lib/lb/table.js';
import {freePort} from '../helpers/free-port.js';
import {ipvsModel} from '../helpers/ipvs-model.js';
import {tempDir} from '../helpers/temp-dir.js';
import {serveTls, tlsFixturePath} from '../helpers/tls-server.js';

/** A port of loopback with a server behind it on 127.0.0.0/8, as API servers of one port. */
async function listening(t: ExecutionContext): Promise<number> {
	const server = createServer(socket => socket.destroy());
	await new Promise<void>(resolve => server.listen(0, '0.0.0.0', resolve));
	t.teardown(() => server.close());
	return (server.address() as {port: number}).port;
}

async function daemon(t: ExecutionContext, more: Partial<DaemonOptions> = {}) {
	const folder = tempDir(t);
	const file = join(folder, 'lb.json');
	const [port, statusPort] = [await listening(t), await freePort()];
	const model = ipvsModel();
	const events: SealEvent[] = [];
	const states: string[] = [];
	const end = new AbortController();
	const write = (text: string): void => {
		writeFileSync(`${file}.new`, text);
		renameSync(`${file}.new`, file);
	};
	const config = (hosts: readonly string[], rest: object = {}): void =>
		write(
			JSON.stringify({
				members: hosts.map(host => `${host}:${port}`),
				probe: {kind: 'tcp', intervalMs: 100, timeoutMs: 1000},
				policy: {drainMs: 0},
				statusPort,
				...rest,
			}),
		);
	const start = (): Promise<void> =>
		runDaemon(file, {
			signal: end.signal,
			onEvent: event => events.push(event),
			notify: state => states.push(state),
			learntFile: join(folder, 'learnt', 'members.json'),
			node: {
				prepare: async () => ({form: 'ipvs', nodeAddress: '127.0.0.1', changes: []}),
				openTable: async spec => ipvsForm(spec, model),
			},
			...more,
		});
	t.teardown(() => end.abort());
	const members = (): string[] => [...model.members.keys()].map(key => key.replace(`:${port}`, '')).sort();
	const warnings = (): string[] => events.flatMap(event => (event.type === 'warning' ? [event.message] : []));
	return {folder, file, port, statusPort, model, states, end, write, config, start, members, warnings};
}

async function until(t: ExecutionContext, isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
	for (let i = 0; i < 2000 && !(await isTrue()); i++) await new Promise(resolve => setTimeout(resolve, 10));
	t.true(await isTrue(), what);
}

test('it is ready when the table is there, and leaves it when it ends', async t => {
	const lb = await daemon(t);
	lb.config(['127.0.0.1', '127.0.0.2']);
	const done = lb.start();
	await until(t, () => lb.states.includes('READY=1'), 'it is ready');
	t.deepEqual(lb.members(), ['127.0.0.1', '127.0.0.2']);
	lb.end.abort();
	await done;
	t.deepEqual(lb.states, ['READY=1', 'STOPPING=1']);
	t.deepEqual(lb.members(), ['127.0.0.1', '127.0.0.2']);
	t.is(await askStatus(lb.statusPort), undefined);
});

test('it follows its file, and a broken one changes nothing', async t => {
	const lb = await daemon(t);
	lb.config(['127.0.0.1', '127.0.0.2']);
	const done = lb.start();
	await until(t, () => lb.states.includes('READY=1'), 'it is ready');
	lb.write('{"members": [');
	await until(t, () => lb.warnings().some(message => /it is no JSON/.test(message)), 'it says so');
	t.deepEqual(lb.members(), ['127.0.0.1', '127.0.0.2']);
	lb.config(['127.0.0.2', '127.0.0.3']);
	await until(t, () => lb.members().join() === '127.0.0.2,127.0.0.3', 'it follows');
	lb.config(['127.0.0.2'], {address: '10.103.97.9'});
	await until(t, () => lb.warnings().some(message => /10\.103\.97\.9:6443 now/.test(message)), 'that needs a restart');
	t.deepEqual(lb.members(), ['127.0.0.2', '127.0.0.3']);
	lb.end.abort();
	await done;
});

test('the status and the metrics are on loopback', async t => {
	const lb = await daemon(t);
	lb.config(['127.0.0.1', '127.0.0.2']);
	const done = lb.start();
	await until(t, async () => (await askStatus(lb.statusPort))?.members.length === 2, 'the status is there');
	t.like((await askStatus(lb.statusPort))?.members[0], {phase: 'healthy', weight: 1, failovers: 0});
	const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${lb.statusPort}${path}`);
	const metrics = await get('/metrics');
	t.is(metrics.headers.get('content-type'), 'text/plain; version=0.0.4');
	t.regex(await metrics.text(), /^sealimage_lb_up\{service="10\.103\.97\.2:6443"\} 1$/m);
	t.is((await get('/other')).status, 404);
	lb.end.abort();
	await done;
});

test('a watchdog is fed while the kernel takes what it should, and not when it refuses', async t => {
	const lb = await daemon(t, {watchdogMs: 20});
	lb.config(['127.0.0.1']);
	const done = lb.start();
	const fed = (): number => lb.states.filter(state => state === 'WATCHDOG=1').length;
	await until(t, () => fed() > 2, 'it is fed');
	lb.model.refuse = new Error('no');
	await until(
		t,
		async () => {
			const before = fed();
			await new Promise(resolve => setTimeout(resolve, 300));
			return fed() === before;
		},
		'it is fed no more',
	);
	lb.end.abort();
	await done;
});

/** A kubeconfig for a server that answers the watch with these lines. */
async function cluster(t: ExecutionContext, folder: string, status: number, lines: () => string): Promise<string> {
	const endpoint = await serveTls(t, 'server.crt', (_, response) => {
		response.writeHead(status);
		response.write(lines());
		if (status !== 200) response.end();
	});
	const path = join(folder, 'kubeconfig');
	writeFileSync(
		path,
		`current-context: here
contexts: [{name: here, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://${endpoint}", certificate-authority: "${tlsFixturePath('ca.crt')}"}}]
users: [{name: u, user: {token: secret}}]
`,
	);
	return path;
}

function endpoints(port: number, ...addresses: readonly string[]): string {
	const subsets = [{addresses: addresses.map(ip => ({ip})), ports: [{name: 'https', port}]}];
	return `${JSON.stringify({type: 'ADDED', object: {subsets}})}\n`;
}

test('members that the cluster tells are taken over, and are there again after a restart without the cluster', async t => {
	const lb = await daemon(t);
	const kubeconfig = await cluster(t, lb.folder, 200, () => endpoints(lb.port, '127.0.0.1', '127.0.0.7', 'fd00::7'));
	lb.config(['127.0.0.1', '127.0.0.2'], {kubeconfig});
	const done = lb.start();
	await until(t, () => lb.members().join() === '127.0.0.1,127.0.0.7', 'they are learnt');
	const learnt = join(lb.folder, 'learnt', 'members.json');
	await until(
		t,
		() => existsSync(learnt) && readFileSync(learnt, 'utf8').includes('127.0.0.7'),
		'they are written down',
	);
	lb.end.abort();
	await done;

	lb.config(['127.0.0.1', '127.0.0.2']);
	lb.model.flush();
	const next = new AbortController();
	const again = (async () => {
		await runDaemon(lb.file, {
			signal: next.signal,
			learntFile: learnt,
			notify: () => next.abort(),
			node: {
				prepare: async () => ({form: 'ipvs', nodeAddress: '127.0.0.1', changes: []}),
				openTable: async spec => ipvsForm(spec, lb.model),
			},
		});
	})();
	await again;
	t.deepEqual(lb.members(), ['127.0.0.1', '127.0.0.7']);
});

test('a cluster that refuses is told once, and the members of the file stay', async t => {
	const lb = await daemon(t);
	const kubeconfig = await cluster(t, lb.folder, 401, () => '');
	lb.config(['127.0.0.1', '127.0.0.2'], {kubeconfig});
	const done = lb.start();
	await until(t, () => lb.warnings().some(message => /HTTP 401/.test(message)), 'it is told');
	t.deepEqual(lb.members(), ['127.0.0.1', '127.0.0.2']);
	lb.end.abort();
	await done;
});
