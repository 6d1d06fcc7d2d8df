import {existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {isSealError} from '../../../lib/core/errors.js';
import type {AgentBundle} from '../../../lib/runtime/agent/bundle/bundle.js';
import {openAgent} from '../../../lib/runtime/agent/connection.js';
import {type Installed, installAgent, stageOf} from '../../../lib/runtime/agent/install/install.js';
import {removeAgent} from '../../../lib/runtime/agent/install/remove.js';
import {agentStatus} from '../../../lib/runtime/agent/install/status.js';
import {createLocalTransport} from '../../../lib/runtime/transport/local/local.js';
import {smallBundle} from '../../helpers/agent-bundle.js';
import {programTransport} from '../../helpers/program-transport.js';
import {tempDir} from '../../helpers/temp-dir.js';

const host = createLocalTransport({host: 'box'});
test.after.always(async () => host.close());

test('the agent is installed once, answers, and a second time there is nothing to do', async t => {
	const {prefix, install} = place(t);
	const bundle = smallBundle();
	const first = await install(bundle);
	t.like(first, {id: bundle.id, changed: true, previous: undefined, removed: []});
	t.true(first.sentBytes > 0);
	const agent = await openAgent(host, {path: join(prefix, 'bin/sealimage-agent')});
	t.is(((await agent.call('self', null)) as {node: string}).node, process.versions.node);
	await agent.close();
	t.deepEqual(await install(bundle), {...first, changed: false, sentBytes: 0});
	t.deepEqual(readdirSync(prefix).sort(), ['bin', 'current', 'versions']);
	t.deepEqual(readdirSync(join(prefix, 'versions')), [bundle.id]);
});

test('two versions are side by side, share what is equal, and a third removes the first', async t => {
	const {prefix, install} = place(t);
	const [one, two, three] = [smallBundle('1.0.0'), smallBundle('1.1.0'), smallBundle('1.2.0-rc.1+b')];
	await install(one);
	const second = await install(two);
	t.is(second.previous, one.id);
	t.deepEqual(second.removed, []);
	const nodeOf = ({id}: AgentBundle): string => join(prefix, 'versions', id, 'node');
	t.is(statSync(nodeOf(one)).ino, statSync(nodeOf(two)).ino);
	const shared = two.files.filter(file => file.name === 'node' || file.name === 'package.json');
	const all = two.files.reduce((sum, file) => sum + file.sizeBytes, 0);
	t.is(second.sentBytes, all - shared.reduce((sum, file) => sum + file.sizeBytes, 0));
	t.is(readlinkSync(join(prefix, 'current')), `versions/${two.id}`);
	const third = await install(three);
	t.deepEqual([third.previous, third.removed], [two.id, [one.id]]);
	const status = await agentStatus(host, {prefix});
	t.is(status.current, three.id);
	t.deepEqual(
		status.versions.map(({id, version, damaged}) => ({id, version, damaged})),
		[
			{id: two.id, version: '1.1.0', damaged: []},
			{id: three.id, version: '1.2.0-rc.1+b', damaged: []},
		],
	);
	const back = await install(two);
	t.deepEqual([back.previous, back.sentBytes], [three.id, 0]);
});

test('a version that still runs is not removed', async t => {
	const {prefix, install} = place(t);
	await install(smallBundle('1.0.0'));
	const agent = await openAgent(host, {path: join(prefix, 'bin/sealimage-agent')});
	await install(smallBundle('1.1.0'));
	t.deepEqual((await install(smallBundle('1.2.0'))).removed, []);
	await agent.close();
});

test('what is damaged is told, and mended by installing again', async t => {
	const {prefix, install} = place(t);
	const bundle = smallBundle();
	await install(bundle);
	const folder = join(prefix, 'versions', bundle.id);
	writeFileSync(join(folder, 'node'), 'garbage');
	rmSync(join(folder, 'package.json'));
	const [version] = (await agentStatus(host, {prefix})).versions;
	t.deepEqual(version?.damaged, ['node', 'package.json']);
	const mended = await install(bundle);
	t.true(mended.changed);
	t.deepEqual((await agentStatus(host, {prefix})).versions[0]?.damaged, []);
	rmSync(join(prefix, 'bin'), {recursive: true});
	t.true((await install(bundle)).changed);
	t.true(existsSync(join(prefix, 'bin/sealimage-agent')));
});

test('a description that says another thing than its name is not believed', async t => {
	const {prefix, install} = place(t);
	const bundle = smallBundle();
	await install(bundle);
	writeFileSync(join(prefix, 'versions', bundle.id, 'agent.json'), '{}');
	const [version] = (await agentStatus(host, {prefix})).versions;
	t.deepEqual(version, {id: bundle.id, version: undefined, node: undefined, damaged: ['agent.json'], running: 0});
});

test('what had arrived before a power cut is not sent again', async t => {
	const {prefix, install, cacheDir} = place(t);
	const bundle = smallBundle();
	const stage = join(prefix, 'versions', stageOf(bundle, {cacheDir}));
	mkdirSync(stage, {recursive: true});
	for (const {name, content, mode} of bundle.files) {
		if (content.kind !== 'bytes') throw new Error('not in memory');
		writeFileSync(join(stage, name), name === 'agent.js' ? content.bytes.subarray(0, 9) : content.bytes, {mode});
	}
	const {sentBytes} = await install(bundle);
	t.is(sentBytes, bundle.files.find(file => file.name === 'agent.js')!.sizeBytes);
});

test('a version that does not start never counts, and is not left behind', async t => {
	const {prefix, install} = place(t);
	const good = smallBundle();
	await install(good);
	const library = `#!/bin/sh\necho 'node: error while loading shared libraries: libstdc++.so.6: cannot open' >&2\nexit 127\n`;
	const failures = [
		[library, 'ERR_AGENT_LIBRARY'],
		['#!/lib/ld-of-another-system.so\n', 'ERR_AGENT_LIBRARY'],
		['#!/bin/sh\necho boom >&2\nexit 7\n', 'ERR_AGENT_START'],
	] as const;
	for (const [node, code] of failures) {
		const error = await t.throwsAsync(install(smallBundle('2.0.0', node)));
		t.is(isSealError(error) && error.code, code, error?.message);
		t.is(readlinkSync(join(prefix, 'current')), `versions/${good.id}`);
		t.deepEqual(readdirSync(join(prefix, 'versions')), [good.id]);
	}
});

test('removing leaves nothing, and says when there was nothing', async t => {
	const {prefix, install} = place(t);
	t.false(await removeAgent(host, {prefix}));
	await install(smallBundle());
	t.true(await removeAgent(host, {prefix}));
	t.false(existsSync(prefix));
	t.deepEqual((await agentStatus(host, {prefix})).versions, []);
});

test('a folder that holds more than the agent is never removed', async t => {
	for (const prefix of ['/', '/opt', '/opt/..', 'opt/sealimage', '/opt/sealimage/', '/opt//x', '/opt/a b'])
		await t.throwsAsync(removeAgent(host, {prefix}), {instanceOf: TypeError}, prefix);
});

test('a host of a processor that there is no agent for is refused by its name', async t => {
	const error = await t.throwsAsync(
		installAgent(programTransport(['echo', 'riscv64'], 'risky'), {
			bundle: async () => smallBundle(),
			cacheDir: tempDir(t),
		}),
	);
	t.true(isSealError(error));
	t.like(error, {code: 'ERR_AGENT_PLATFORM', host: 'risky'});
});

test('a file where the folder should be is told as such, and left alone', async t => {
	const {prefix, install} = place(t);
	writeFileSync(prefix, 'a file in the way');
	const error = await t.throwsAsync(install(smallBundle()));
	t.is(isSealError(error) && error.code, 'ERR_IO', error?.message);
	t.is(readFileSync(prefix, 'utf8'), 'a file in the way');
});

const unfit = test.macro(async (t: ExecutionContext, survey: string, code: string) => {
	const answers = `case $1 in uname) echo x86_64 ;; *) printf '%b' '${survey}' ;; esac`;
	const transport = programTransport(['sh', '-c', answers, 'sh'], 'old', {withArguments: true});
	const bundle = async (): Promise<AgentBundle> => smallBundle();
	const error = await t.throwsAsync(installAgent(transport, {bundle, cacheDir: tempDir(t)}));
	t.true(isSealError(error));
	t.like(error, {code, host: 'old'});
});
test(
	'a host with an old C library is refused before anything is sent',
	unfit,
	'libc glibc 2.17\\n',
	'ERR_AGENT_LIBRARY',
);
test(
	'a full disk is refused before anything is sent',
	unfit,
	'libc glibc 2.28\\nfree /dev/sda1 1000 999 0 100% /\\n',
	'ERR_NO_SPACE',
);

test('operators who install one version at once both succeed, and leave one version', async t => {
	const {prefix, install, cacheDir} = place(t);
	const bundle = smallBundle();
	const caches = [cacheDir, cacheDir, join(tempDir(t), 'other'), join(tempDir(t), 'third')];
	const installed = await Promise.all(caches.map(cache => install(bundle, cache)));
	t.true(installed.every(({id}) => id === bundle.id));
	t.deepEqual(readdirSync(join(prefix, 'versions')), [bundle.id]);
	t.is(readlinkSync(join(prefix, 'current')), `versions/${bundle.id}`);
	const [version] = (await agentStatus(host, {prefix})).versions;
	t.deepEqual(version?.damaged, []);
	t.deepEqual(readdirSync(join(prefix, 'versions', bundle.id)).sort(), bundle.files.map(({name}) => name).sort());
});

function place(t: ExecutionContext): {
	readonly prefix: string;
	readonly cacheDir: string;
	install(bundle: AgentBundle, cache?: string): Promise<Installed>;
} {
	const dir = tempDir(t);
	const prefix = join(dir, 'opt/sealimage');
	mkdirSync(join(dir, 'opt'));
	const own = join(dir, 'cache');
	const install = (bundle: AgentBundle, cacheDir = own): Promise<Installed> =>
		installAgent(host, {prefix, cacheDir, bundle: async () => bundle});
	return {prefix, cacheDir: own, install};
}
