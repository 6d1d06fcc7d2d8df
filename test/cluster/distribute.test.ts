import {randomBytes} from 'node:crypto';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {ExecutionContext} from 'ava';
import {openStore, type Store} from '../../lib/oci/store/store.js';
import {type Distributed, distribute, type HostDistributed} from '../../lib/runtime/distribute/distribute.js';
import {previewDistribution} from '../../lib/runtime/distribute/preview.js';
import type {DistributeOptions} from '../../lib/runtime/distribute/run.js';
import type {HostTarget} from '../../lib/runtime/host/target.js';
import {file, folder} from '../helpers/entries.js';
import {putLayers} from '../helpers/layered-image.js';
import {sshHome} from '../helpers/ssh-hosts.js';
import {tempDir} from '../helpers/temp-dir.js';
import {bootHosts, crash, type LabHost, onHost} from '../lab/hosts.js';
import {agentOnHost, putAgent} from './agent-on-host.js';
import {onLabHosts} from './lab-test.js';

const labTest = onLabHosts(['spread-a', 'spread-b', 'spread-c'], {alone: true});

/** An operator with an image of about 45 MB: some parts for each host to begin with. */
async function operator(t: ExecutionContext, hosts: readonly LabHost[]): Promise<DistributeOptions & {store: Store}> {
	for (const {name} of hosts) await putAgent(name);
	const store = await openStore(join(tempDir(t), 'store'), {durability: 'none'});
	t.teardown(() => store.close());
	await putLayers(store, 'demo:v1', [
		[folder('bin'), file('bin/kubelet', randomBytes(24_000_000), {mode: 0o755})],
		[folder('etc'), file('etc/large', randomBytes(20_000_000)), file('etc/version', 'one')],
	]);
	// Three hosts and the operator on two processors: one that waits for its turn is not silent yet.
	const {open} = sshHome(t, {silenceTimeoutMs: 12_000});
	return {images: ['demo:v1'], hosts: hosts.map(targetOf), store, open, agent: {path: agentOnHost}};
}

function targetOf({name, address, keyFile}: LabHost): HostTarget {
	return {name, address, roles: [], login: {user: 'root', agent: false, identities: [{file: keyFile}]}};
}

/** The bracket keeps the shell that asks from being found. */
const running = "pgrep -f '[a]gent.mjs' || true";

function values({outcomes}: Distributed): HostDistributed[] {
	return outcomes.map(outcome => {
		if (!outcome.ok) throw outcome.error;
		return outcome.value;
	});
}

function forget(hosts: readonly LabHost[]): void {
	for (const {name} of hosts) onHost(name, 'rm -rf /var/lib/sealimage');
}

labTest('hosts pass content on to each other, and nothing listens afterwards', async (t, hosts) => {
	const request = await operator(t, hosts);
	const done = await distribute(request);
	const results = values(done);
	t.true(results.some(({fetchedBytes}) => fetchedBytes > 0));
	t.true(done.sentBytes < results.reduce((sum, {movedBytes}) => sum + movedBytes, 0));
	for (const [number, {name}] of hosts.entries()) {
		const {path} = results[number]!.images[0]!;
		t.is(onHost(name, `cat ${path}/etc/version; stat -c '%a %s' ${path}/bin/kubelet`), 'one755 24000000\n');
		t.is(onHost(name, "ss -Hltn | awk '{print $4}' | grep -v ':22$' || true"), '');
		t.is(onHost(name, running), '');
	}
	const again = values(await distribute(request));
	t.deepEqual(
		again.map(({movedBytes}) => movedBytes),
		[0, 0, 0],
	);
});

labTest(
	'a power cut in the middle of a relay costs one host only, and the same again moves what is missing',
	async (t, hosts) => {
		const [, victim] = hosts;
		const request = await operator(t, hosts);
		forget(hosts);
		let cut = false;
		const done = await distribute({
			...request,
			onEvent(event) {
				if (cut || event.type !== 'blob.progress' || event.doneBytes < 30_000_000) return;
				cut = true;
				crash(victim.name);
			},
		});
		t.true(cut);
		t.deepEqual(
			done.outcomes.map(({ok}) => ok),
			[true, false, true],
			done.outcomes.map(outcome => (outcome.ok ? 'ok' : String(outcome.error))).join('\n'),
		);
		await bootHosts([victim.name]);
		const {outcomes} = await previewDistribution(request);
		const missing = outcomes.map(outcome => (outcome.ok ? outcome.value.missingBytes : -1));
		t.deepEqual([missing[0], missing[2]], [0, 0]);
		const results = values(await distribute(request));
		t.deepEqual(
			results.map(({movedBytes}) => movedBytes),
			missing,
		);
		const {path} = results[1]!.images[0]!;
		t.is(
			onHost(victim.name, `cat ${path}/etc/version; stat -c %s ${path}/bin/kubelet ${path}/etc/large`),
			'one24000000\n20000000\n',
		);
	},
);

labTest('an operator that goes away leaves nothing running, and the next one goes on', async (t, hosts) => {
	const request = await operator(t, hosts);
	forget(hosts);
	const controller = new AbortController();
	const aborted = distribute({
		...request,
		signal: controller.signal,
		onEvent: event => {
			if (event.type === 'blob.progress' && event.doneBytes > 15_000_000) controller.abort(new Error('gone'));
		},
	});
	await t.throwsAsync(aborted, {message: 'gone'});
	await sleep(3000);
	for (const {name} of hosts) t.is(onHost(name, running), '');
	const results = values(await distribute(request));
	t.true(results.some(({movedBytes, neededBytes}) => movedBytes < neededBytes));
});

labTest('hosts that may not reach each other are served by the operator', async (t, hosts) => {
	const request = await operator(t, hosts);
	forget(hosts);
	const wall = (verb: 'add' | 'del'): void => {
		for (const {name} of hosts)
			for (const other of hosts) {
				if (other.name === name) continue;
				onHost(
					name,
					`ip route ${verb} unreachable ${other.address}; ip -6 route ${verb} unreachable ${other.address6}`,
				);
			}
	};
	wall('add');
	const done = await distribute(request).finally(() => wall('del'));
	const results = values(done);
	for (const {fetchedBytes, sentBytes, movedBytes} of results) {
		t.is(fetchedBytes, 0);
		t.is(sentBytes, movedBytes);
	}
});
