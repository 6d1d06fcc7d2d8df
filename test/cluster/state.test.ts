import type {HostTarget} from '../../lib/runtime/host/target.js';
import type {ActionKind, ClusterAction} from '../../lib/runtime/lifecycle/actions.js';
import type {Performers} from '../../lib/runtime/lifecycle/run.js';
import type {HostState} from '../../lib/runtime/state/host-state.js';
import {observeHosts} from '../../lib/runtime/state/observe.js';
import {performNoted} from '../../lib/runtime/state/perform-noted.js';
import {type OpenedRun, type OpenRunOptions, openRun} from '../../lib/runtime/state/run.js';
import {openTransport} from '../../lib/runtime/transport/open.js';
import {digestNumber, exampleSetting, settingHost} from '../helpers/cluster-state.js';
import {bootHosts, cable, crash, type LabHost, onHost} from '../lab/hosts.js';
import {agentOnHost, putAgent} from './agent-on-host.js';
import {onLabHosts} from './lab-test.js';

const labTest = onLabHosts(['state1']);

labTest('what was noted on a host survives a power cut in the middle of more', async (t, [host]) => {
	await putAgent(host.name);
	t.like(await look(host), {journal: {}, member: undefined, state: undefined});
	const run = runOn(host);
	const actions = ['content', 'prepare'].map(kind => action(kind as ActionKind, host.name));
	const outcomes = await performNoted({actions: [...actions, action('state', undefined)]}, performers(run), run);
	t.deepEqual(
		outcomes.map(({state}) => state),
		['done', 'done', 'done'],
	);
	const notes = Array.from({length: 200}, (_, index) => index);
	let noted = 0;
	const noting = (async () => {
		for (const number of notes) {
			await run.note(host.name, [{id: `stage/${number}`, key: digestNumber(number)}]);
			noted = number + 1;
		}
	})();
	noting.catch(() => undefined);
	while (noted < 20) await new Promise(resolve => setTimeout(resolve, 5));
	const before = noted;
	crash(host.name);
	await run.close();
	await bootHosts([host.name]);
	const found = await look(host);
	t.like(found, {member: {cluster: 'prod', role: 'master'}, state: {generation: 1}});
	const ids = new Set(Object.keys(found.journal));
	for (const id of ['content', 'prepare']) t.true(ids.has(`${id}/${host.name}`));
	for (let number = 0; number < before; number++) t.true(ids.has(`stage/${number}`), `stage/${number} of ${before}`);
	// The lock of a boot that is over holds nobody up.
	const next = runOn(host);
	await next.lock([host.name]);
	await next.note(host.name, [{id: 'join/a', key: digestNumber(1)}]);
	await next.close();
	t.true(Object.hasOwn((await look(host)).journal, 'join/a'));
	t.is(onHost(host.name, 'stat -c %a /var/lib/sealimage/cluster /var/lib/sealimage/cluster/state.json'), '700\n600\n');
});

labTest('a lock is free when its operator is gone, and not before', async (t, [host]) => {
	await putAgent(host.name);
	const first = runOn(host);
	await first.lock([host.name]);
	const second = runOn(host);
	const error = await t.throwsAsync(second.lock([host.name]), {code: 'ERR_CLUSTER_LOCKED'});
	t.like(error, {details: {who: 'ada', from: 'laptop'}});
	// The agent alone dies, as by the kernel's hand: the same run goes on, others may not.
	onHost(host.name, 'pkill -9 -f agent.mjs');
	await first.note(host.name, [{id: 'x', key: digestNumber(1)}]);
	await t.throwsAsync(second.lock([host.name]), {code: 'ERR_CLUSTER_LOCKED'});
	await first.close();
	await second.lock([host.name]);
	await second.close();
	t.is(onHost(host.name, 'ls /var/lib/sealimage/cluster | grep lock || true'), '');
});

labTest('an operator whose cable is cut takes over from itself', async (t, [host]) => {
	await putAgent(host.name);
	const run = runOn(host);
	await run.lock([host.name]);
	cable(host.name, 'out');
	const noting = run.note(host.name, [{id: 'cut', key: digestNumber(1)}]);
	noting.catch(() => undefined);
	await new Promise(resolve => setTimeout(resolve, 45_000));
	cable(host.name, 'in');
	await noting.catch(() => undefined);
	await run.note(host.name, [{id: 'mended', key: digestNumber(1)}]);
	await run.close();
	t.true(Object.hasOwn((await look(host)).journal, 'mended'));
});

async function look(host: LabHost): Promise<HostState> {
	const [outcome] = await observeHosts([targetOf(host)], open());
	if (outcome?.ok !== true) throw outcome?.error;
	return outcome.value;
}

function runOn(host: LabHost): OpenedRun {
	const options: OpenRunOptions = {
		open: open(),
		owner: {who: 'ada', from: 'laptop'},
		agent: {path: agentOnHost, install: async () => undefined},
		version: '1.0.0',
	};
	return openRun(exampleSetting([settingHost(host.name, true, host.address)]), [targetOf(host)], options);
}

function action(kind: ActionKind, host: string | undefined): ClusterAction {
	const id = host === undefined ? kind : `${kind}/${host}`;
	return {id, kind, host, phase: kind, title: id, needs: [], input: {}} as unknown as ClusterAction;
}

function performers(run: OpenedRun): Performers {
	const nothing = async (): Promise<void> => undefined;
	return {content: nothing, prepare: nothing, state: () => run.writeState()} as unknown as Performers;
}

function open(): OpenRunOptions['open'] {
	return openTransport({operator: {user: 'root', home: '/nonexistent'}, hostKey: 'off', configFiles: []});
}

function targetOf(host: LabHost): HostTarget {
	const login = {user: 'root', identities: [{file: host.keyFile}], agent: false} as const;
	return {name: host.name, address: host.address, roles: ['master'], login};
}
