// simulated-cluster.js HOSTS FOLDER: one simulated cluster; prints what each thing cost as JSON.
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {renderProposal} from '../../.build/bin/render/cluster-plan.js';
import {createStyle} from '../../.build/bin/render/style.js';
import {openStore} from '../../.build/lib/oci/store/store.js';
import {checkRequest, refuseProblems} from '../../.build/lib/runtime/lifecycle/check.js';
import {runCluster} from '../../.build/lib/runtime/lifecycle/operate.js';
import {planCluster} from '../../.build/lib/runtime/lifecycle/plan.js';
import {clusterLanes} from '../../.build/lib/runtime/lifecycle/plan-joins.js';
import {wishesFor} from '../../.build/lib/runtime/lifecycle/wishes.js';
import {kubernetesFindings} from '../../.build/lib/runtime/rootfs/preflight.js';
import {openClusterCache} from '../../.build/lib/runtime/state/cache.js';
import {observeHosts} from '../../.build/lib/runtime/state/observe.js';
import {performNoted} from '../../.build/lib/runtime/state/perform-noted.js';
import {openRun} from '../../.build/lib/runtime/state/run.js';
import {openRunLog} from '../../.build/lib/runtime/state/run-log.js';
import {createHosts, showDone} from './simulated-hosts.js';

/** Of a network between buildings, and of hosts that are not idle: a login is five round trips and the key of the host. */
const times = {loginMs: 120, roundTripMs: 20, lookMs: 300};
const count = Number(process.argv[2]);
const folder = process.argv[3];
const masters = count >= 3 ? 3 : 1;
const hosts = createHosts(count, times);
const targets = hosts.targets(masters);
const store = await openStore(join(folder, 'store'));
const clustersDir = join(folder, `clusters-${count}`);
const rows = {hosts: count};
const options = {
	open: hosts.open,
	store,
	clustersDir,
	operator: {who: 'ada', from: 'laptop'},
	writtenBy: '0.0.0',
	onEvent: () => undefined,
};
const request = {
	name: 'simulated',
	hosts: targets.map(target => ({target})),
	images: ['kubernetes:v1.30.2', 'cni:v1'],
};

await main();

async function main() {
	const planned = await cost('lookAndPlan', () => runCluster(request, {...options, isDryRun: true}));
	rows.actions = planned.plan.actions.length;
	const outcomes = await observeHosts(targets, hosts.open, {concurrency: count});
	const states = new Map(outcomes.map(({host, value}) => [host, value]));
	await cost('plan', () => plan(planned.setting, states));
	await cost('show', async () => {
		rows.shownBytes = renderProposal(planned, {style: createStyle(false), width: 100, isWhole: false}).length;
		rows.planBytes = JSON.stringify(planned.plan).length;
	});
	await cost('perform', () => perform(planned));
	rows.stateBytes = JSON.stringify(await openClusterCache(clustersDir).read('simulated')).length;
	const again = await cost('again', () => runCluster(request, options));
	if (again.end !== 'nothing')
		throw new Error(`again: ${again.end}: ${JSON.stringify(again.plan?.actions.slice(0, 3))}`);
	rows.peakMB = process.resourceUsage().maxRSS / 1000;
	console.log(JSON.stringify(rows));
}

/** All that is thought about hosts that were looked at: what is wished of them, what is wrong with them, what is to be done. */
async function plan(wanted, states) {
	const wishes = await wishesFor(wanted, states, {store}, {});
	const given = {verb: 'run', wanted, states, leaving: [], applications: [], wishes};
	refuseProblems(checkRequest(given));
	kubernetesFindings(wanted, states);
	return planCluster(given);
}

/** As runCluster does it, with performers that take a round trip. */
async function perform({plan, setting}) {
	const log = await openRunLog({
		folder: openClusterCache(clustersDir).logFolder('simulated'),
		verb: 'run',
		version: '0',
	});
	const run = openRun(setting, targets, {
		open: hosts.open,
		observed: new Map(),
		owner: options.operator,
		agent: {install: async () => undefined},
		cache: openClusterCache(clustersDir),
		version: '0.0.0',
		onEvent: log.onEvent,
	});
	const one = async (_run, action, given) => {
		if (action.kind === 'state') return await run.writeState(given);
		await sleep(times.roundTripMs);
		if (action.host === undefined) return;
		showDone(hosts.hosts.get(action.host), action);
		if (action.kind === 'init') run.noteLive(action.host);
	};
	const performers = new Proxy({}, {get: () => one});
	const outcomes = await performNoted(plan, performers, run, {lanes: clusterLanes, onEvent: log.onEvent});
	await run.close();
	await log.end({exitCode: 0});
	const failed = outcomes.find(({state}) => state !== 'done');
	if (failed !== undefined) throw failed.error ?? new Error(JSON.stringify(failed));
}

async function cost(name, work) {
	globalThis.gc?.();
	const commands = hosts.counts.commands;
	hosts.counts.most = 0;
	const before = process.cpuUsage();
	const started = performance.now();
	const result = await work();
	const {user, system} = process.cpuUsage(before);
	rows[name] = {
		seconds: (performance.now() - started) / 1000,
		cpuSeconds: (user + system) / 1e6,
		commands: hosts.counts.commands - commands,
		mostAtOnce: hosts.counts.most,
		residentMB: process.memoryUsage.rss() / 1e6,
	};
	return result;
}
