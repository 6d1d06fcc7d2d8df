import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../lib/core/events.js';
import {runDaemon} from '../../lib/lb/daemon.js';
import {ipvsForm} from '../../lib/lb/table.js';
import {staticPod} from '../../lib/lb/unit.js';
import {createAuthority} from '../../lib/runtime/pki/authority.js';
import {ipvsModel} from '../helpers/ipvs-model.js';
import {type ApiServer, startApiServer, whyNoApiServer} from './api-server.js';
import {inTurn} from './lab-test.js';

// A balancer that learns its members from a real API server, over a model of the kernel.
const folder = mkdtempSync(join(tmpdir(), 'sealimage-endpoints-'));
const why = whyNoApiServer();
let api: ApiServer;

inTurn('beside');
test.serial.before('start the API server', async t => {
	t.timeout(600_000);
	if (why !== undefined) return;
	api = await startApiServer(folder);
	await api.start();
});
test.after.always('end it', async () => {
	await api?.close();
	rmSync(folder, {recursive: true, force: true});
});

function clusterTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
	test.serial(title, async t => {
		t.timeout(600_000);
		if (why === undefined) await body(t);
		else {
			t.log(`skipped: ${why}`);
			t.pass();
		}
	});
}

const path = '/api/v1/namespaces/default/endpoints';

/** The endpoints of the service `kubernetes`, as API servers write them when masters come and go. */
async function publish(...addresses: readonly string[]): Promise<void> {
	const ports = [{name: 'https', port: 6443}];
	const subsets = addresses.length === 0 ? [] : [{addresses: addresses.map(ip => ({ip})), ports}];
	const object = {apiVersion: 'v1', kind: 'Endpoints', metadata: {name: 'kubernetes'}, subsets};
	await api.ask('PUT', `${path}/kubernetes`, object).catch(() => api.ask('POST', path, object));
}

function daemon(t: ExecutionContext, kubeconfig: string, probe: object = {kind: 'tcp', timeoutMs: 100}) {
	const own = mkdtempSync(join(folder, 'daemon-'));
	const model = ipvsModel();
	const events: SealEvent[] = [];
	const end = new AbortController();
	writeFileSync(
		join(own, 'lb.json'),
		JSON.stringify({
			members: ['192.0.2.1', '192.0.2.2'],
			kubeconfig,
			statusPort: 0,
			probe,
			policy: {drainMs: 0},
		}),
	);
	const done = runDaemon(join(own, 'lb.json'), {
		signal: end.signal,
		learntFile: join(own, 'members.json'),
		onEvent: event => events.push(event),
		node: {
			prepare: async () => ({form: 'ipvs', nodeAddress: '192.0.2.9', changes: []}),
			openTable: async spec => ipvsForm(spec, model),
		},
	});
	t.teardown(async () => {
		end.abort();
		await done;
	});
	const members = (): string =>
		[...model.members.values()]
			.map(({address}) => address)
			.sort()
			.join();
	const warnings = (): string[] => events.flatMap(event => (event.type === 'warning' ? [event.message] : []));
	return {
		members,
		warnings,
		async shows(wanted: string): Promise<void> {
			for (let i = 0; i < 1200 && members() !== wanted; i++) await sleep(50);
			t.is(members(), wanted, warnings().join('\n'));
		},
		async says(wanted: RegExp): Promise<void> {
			for (let i = 0; i < 600 && !warnings().some(message => wanted.test(message)); i++) await sleep(50);
			t.true(
				warnings().some(message => wanted.test(message)),
				warnings().join('\n'),
			);
		},
	};
}

clusterTest('masters that come and go are learnt, through restarts of the API server and compactions', async t => {
	await publish('192.0.2.1', '192.0.2.3');
	const lb = daemon(t, await api.kubeconfig('watcher', {user: 'watcher', group: 'system:masters'}));
	await lb.shows('192.0.2.1,192.0.2.3');
	await publish('192.0.2.1', '192.0.2.3', '192.0.2.4', 'fd00::4');
	await lb.shows('192.0.2.1,192.0.2.3,192.0.2.4');
	await publish();
	await api.ask('DELETE', `${path}/kubernetes`);
	await sleep(2000);
	t.is(lb.members(), '192.0.2.1,192.0.2.3,192.0.2.4', 'no endpoints are no reason to have no members');
	await publish('192.0.2.4');
	await lb.shows('192.0.2.4');
	await api.compact();
	await publish('192.0.2.4', '192.0.2.5');
	await lb.shows('192.0.2.4,192.0.2.5');
	await api.kill();
	await sleep(1000);
	t.is(lb.members(), '192.0.2.4,192.0.2.5');
	await api.start();
	await api.compact();
	await publish('192.0.2.6');
	await lb.shows('192.0.2.6');
});

clusterTest("a kubelet's login is enough: it may read the endpoints, and not watch them", async t => {
	await publish('192.0.2.7');
	const lb = daemon(t, await api.kubeconfig('kubelet', {user: 'system:node:n1', group: 'system:nodes'}));
	await lb.shows('192.0.2.7');
	t.deepEqual(lb.warnings(), []);
});

clusterTest('a login that is refused is told, and the members of the file stay', async t => {
	await publish('192.0.2.7');
	const stranger = await createAuthority({subject: {commonName: 'stranger'}});
	const refused = {user: 'watcher', group: 'system:masters', authority: stranger};
	// Nobody is asked within the test: members that do not answer would go one after the other.
	const seldom = {kind: 'tcp', intervalMs: 3_600_000};
	const lb = daemon(t, await api.kubeconfig('stranger', refused), seldom);
	await lb.says(/HTTP 401/);
	const nobody = daemon(t, await api.kubeconfig('nobody', {user: 'nobody', group: 'nobodies'}), seldom);
	await nobody.says(/HTTP 403/);
	for (const each of [lb, nobody]) t.is(each.members(), '192.0.2.1,192.0.2.2');
});

clusterTest('an API server takes the static pod', async t => {
	const said = await api.kubectl(
		['create', '--dry-run=server', '--validate', '-o', 'json', '-f', '-'],
		staticPod({image: 'registry.example.com/kubernetes:v1.20.2'}),
	);
	t.like(JSON.parse(said), {
		metadata: {name: 'sealimage-lb', namespace: 'kube-system'},
		spec: {hostNetwork: true, priorityClassName: 'system-node-critical'},
	});
});
