import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {openClusterCache} from '../../lib/runtime/state/cache.js';
import type {ClusterState} from '../../lib/runtime/state/cluster-state.js';
import {openRunLog} from '../../lib/runtime/state/run-log.js';
import {exampleState, settingHost} from '../helpers/cluster-state.js';
import {cliIn} from '../helpers/run-cli.js';
import {type CliWithHosts, cliWithHosts} from '../helpers/ssh-cli.js';

const cacheIn = (dir: string): ReturnType<typeof openClusterCache> =>
	openClusterCache(join(dir, '.sealimage/clusters'));

/** A cluster whose hosts are those of the test: this machine, under several ports. */
async function knownCluster({dir, servers}: CliWithHosts): Promise<ClusterState> {
	const hosts = servers.map(({port}, index) => settingHost(`127.0.0.1:${port}`, index === 0, `10.0.0.${index + 1}`));
	const reach = Object.fromEntries(servers.map(({port}) => [`127.0.0.1:${port}`, {address: '127.0.0.1', port}]));
	const state = exampleState({reach}, hosts);
	await cacheIn(dir).write(state);
	return state;
}

test('clusters that are known are listed, and one that is damaged is told', async t => {
	const cli = cliIn(t);
	const none = await cli.run(['clusters']);
	t.like(none, {exitCode: 0, stdout: ''});
	t.regex(none.stderr, /^No cluster is known on this machine\. .*clusters import --host MASTER/m);
	t.like(await cli.run(['clusters', '--output', 'json']), {stdout: '[]\n', stderr: ''});
	await cacheIn(cli.dir).write(exampleState());
	mkdirSync(join(cli.dir, '.sealimage/clusters/broken'));
	writeFileSync(join(cli.dir, '.sealimage/clusters/broken/state.json'), '{');
	t.regex(await cli.ok('clusters'), /^broken +damaged[^\n]*\nprod +v1\.20\.2 +1 +1 +\S[^\n]*0123456789abcdef$/m);
	t.like(await cli.json('clusters'), [
		{name: 'broken', damaged: true},
		{name: 'prod', version: 'v1.20.2', masters: ['m1'], nodes: ['n1'], images: ['kubernetes:v1.20.2', 'redis:v7']},
	]);
	t.is(await cli.ok('__complete', 'status', 'p'), 'prod\t\n');
	t.regex(await cli.ok('__complete', 'clusters', 'i'), /^import\t/);
});

test('the folder of clusters is a setting', async t => {
	const cli = cliIn(t);
	const env = {SEALIMAGE_CLUSTERS: join(cli.dir, 'elsewhere')};
	await openClusterCache(env.SEALIMAGE_CLUSTERS).write(exampleState());
	t.regex((await cli.run(['clusters'], {env})).stdout, /^prod/m);
	t.is(await cli.ok('clusters'), '');
});

test('a cluster that is not known, and none where several are, is an error that says what is', async t => {
	const cli = cliIn(t);
	t.regex((await cli.run(['status'])).stderr, /No cluster is known[\s\S]*clusters import/);
	const state = exampleState();
	await cacheIn(cli.dir).write(state);
	await cacheIn(cli.dir).write({...state, setting: {...state.setting, name: 'test'}});
	const several = await cli.run(['logs']);
	t.is(several.exitCode, 2);
	t.regex(several.stderr, /Several clusters are known: prod, test/);
	t.regex((await cli.run(['status', 'prd'])).stderr, /Is "prod" meant\?/);
});

test('status tells of hosts that are not what they should be, and of one that does not answer', async t => {
	const cli = await cliWithHosts(t, 2);
	await knownCluster(cli);
	await cli.servers[1]!.close();
	const {exitCode, stdout} = await cli.run(['status', ...cli.login]);
	t.is(exitCode, 1);
	t.regex(stdout, /^prod v1\.20\.2$/m);
	t.regex(stdout, new RegExp(`^${cli.names[0]!} +master .*it is in no cluster`, 'm'));
	t.regex(stdout, new RegExp(`^${cli.names[1]!} +node .*it does not answer$`, 'm'));
	t.regex(stdout, /^not run redis:v7$/m);
});

test('--cluster takes the name of a cluster that is known, for every command for hosts', async t => {
	const cli = await cliWithHosts(t, 2);
	await knownCluster(cli);
	mkdirSync(join(cli.dir, 'prod'));
	const all = await cli.ok('exec', ...cli.login, '--no-sudo', '--cluster', 'prod', '--', 'echo', 'here');
	t.is(all.match(/here/g)?.length, 2);
	const masters = await cli.run([
		'exec',
		...cli.login,
		'--no-sudo',
		'--cluster',
		'prod',
		'--roles',
		'master',
		'--',
		'true',
	]);
	t.is(masters.exitCode, 0, masters.stderr);
	const unknown = await cli.run(['facts', '--cluster', 'nobody']);
	t.regex(unknown.stderr, /no cluster of this name is known/);
});

test('an access or a token needs an API server that answers', async t => {
	const cli = await cliWithHosts(t, 1);
	await knownCluster(cli);
	for (const verb of ['kubeconfig', 'token']) {
		const {exitCode, stderr} = await cli.run([verb, ...cli.login]);
		t.is(exitCode, 1);
		t.regex(stderr, /No API server of "prod" answers/);
	}
	t.is((await cli.run(['token', '--ttl', '0'])).exitCode, 2);
});

test('a host that is in no cluster has nothing to import', async t => {
	const cli = await cliWithHosts(t, 1);
	const {exitCode, stderr} = await cli.run(['clusters', 'import', ...cli.login, '--host', cli.names[0]!]);
	t.is(exitCode, 1);
	t.regex(stderr, /in no cluster that sealimage made/);
	t.is((await cli.run(['clusters', 'import'])).exitCode, 2);
});

test('logs shows the last run, or another, or which there are', async t => {
	const cli = cliIn(t);
	const cache = cacheIn(cli.dir);
	await cache.write(exampleState());
	t.regex((await cli.run(['logs'])).stderr, /No run of "prod" has a log/);
	const folder = cache.logFolder('prod');
	const ids: string[] = [];
	for (const [index, verb] of ['run', 'add'].entries()) {
		const log = await openRunLog({folder, verb, version: '1.0.0', now: () => Date.UTC(2026, 0, 1, 0, 0, index)});
		log.onEvent({type: 'action.started', id: `${verb}/a`, phase: 'p', title: `${verb} it`, host: 'a'});
		log.onEvent({type: 'command.output', id: `${verb}/a`, stream: 'stdout', text: 'one\n\u001b[2Jtwo\n'});
		log.onEvent({type: 'action.failed', id: `${verb}/a`, message: 'no', elapsedMs: 1500});
		await log.end({exitCode: 1});
		ids.push(log.id);
	}
	t.is(await cli.ok('logs', '--list'), `${ids.join('\n')}\n`);
	const last = await cli.ok('logs');
	t.regex(last, /begin {2}a: add it\n/);
	t.regex(last, /\\x1b\[2Jtwo\n/);
	t.regex(last, /failed a: add it \(1\.5s\): no\n.*ended with exit code 1\n$/);
	t.regex(await cli.ok('logs', 'prod', '--run', ids[0]!), /begin {2}a: run it/);
	const lines = (await cli.json('logs')) as readonly {readonly type: string; readonly verb?: string}[];
	t.is(lines[0]?.verb, 'add');
	t.deepEqual(
		lines.map(({type}) => type),
		['run', 'action.started', 'command.output', 'action.failed', 'end'],
	);
	t.regex((await cli.run(['logs', '--run', '20260101T000009Z-run'])).stderr, /There is no log of a run/);
});
