import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {homedir, release} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {digestOf, hexOf} from '../../lib/oci/digest.js';
import {type AgentBundle, openBundle, writeBundle} from '../../lib/runtime/agent/bundle/bundle.js';
import {openAgent} from '../../lib/runtime/agent/connection.js';
import type {AgentConnection} from '../../lib/runtime/agent/protocol.js';
import {runAgentVerb} from '../../lib/runtime/agent/run-verb.js';
import {partsOf} from '../helpers/host-content.js';
import {programTransport} from '../helpers/program-transport.js';
import {peerTest} from './peer-test.js';
import {run} from './peers.js';

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sealimage');
/** Debian's libraries for arm64, put there by .ci/install-arm64. */
const libraries = join(cache, 'arm64');

emulatedTest('answers facts, have and verify under its own processor', async (t, start, scratch) => {
	const root = join(scratch, 'content');
	const [held, lacked] = [Buffer.from('on the host'), Buffer.from('not on the host')];
	const blobs = join(root, 'blobs/sha256');
	mkdirSync(blobs, {recursive: true});
	writeFileSync(join(blobs, hexOf(digestOf(held))), held);
	const agent = await start(['--root', root, 'session']);
	t.like(agent.identity, {platform: 'linux/arm64', protocol: 1});
	const facts = (await agent.call('facts', {paths: ['/']})) as {kernel: {release: string}};
	t.is(facts.kernel.release, release());
	const query = [held, lacked].map(bytes => ({blob: digestOf(bytes), partCount: partsOf(bytes).parts.length}));
	const have = (await agent.call('have', {blobs: query})) as {blobs: Array<{state: string}>};
	t.deepEqual(
		have.blobs.map(({state}) => state),
		['whole', 'absent'],
	);
	t.like(await agent.call('verify', null), {checkedBytes: held.length, damaged: []});
	writeFileSync(join(blobs, hexOf(digestOf(held))), 'Something else');
	const {damaged} = (await agent.call('verify', null)) as {damaged: unknown[]};
	t.is(damaged.length, 1);
	t.false(existsSync(join(blobs, hexOf(digestOf(held)))));
});

emulatedTest('calls the C library and asks the kernel over netlink', async (t, start) => {
	const agent = await start(['session']);
	// The emulator passes route netlink on and knows no generic one: its own answer is EPROTONOSUPPORT.
	t.like(await agent.call('self', null), {
		native: 'ok',
		netlink: {route: 'ok', generic: {failed: 'Cannot open a netlink socket: EPROTONOSUPPORT'}},
	});
});

emulatedTest('runs a single verb, and tells its errors', async (t, start, _, argv) => {
	const result = await runAgentVerb(programTransport([...argv, 'self']), 'self', null);
	t.like(result, {node: '22.23.3'});
	const agent = await start(['session']);
	t.like(await t.throwsAsync(agent.call('have', {blobs: 'none'})), {code: 'ERR_USAGE'});
});

peerTest('an agent is made of the same bytes twice', [], async (t, scratch) => {
	const folders = ['one', 'two'].map(name => join(scratch, name));
	for (const folder of folders) await writeBundle(await bundleOf('linux/arm64'), folder);
	const trees = await Promise.all(
		folders.map(folder => run(['sh', '-c', 'tar -C "$1" --sort=name -c linux-arm64 | sha256sum', 'sh', folder])),
	);
	t.is(trees[0], trees[1]);
});

peerTest('the agent of this processor starts with the Node of the bundle', [], async (t, scratch) => {
	if (process.arch !== 'x64') {
		t.pass();
		return;
	}
	const folder = await writeBundle(await bundleOf('linux/amd64'), join(scratch, 'agent'));
	const [node, script] = ['node', 'agent.js'].map(name => join(folder, 'opt/sealimage', name));
	const agent = await openAgent(programTransport([node!, script!, 'session']));
	t.teardown(() => agent.close());
	const description = JSON.parse(readFileSync(join(folder, 'opt/sealimage/agent.json'), 'utf8')) as {version: string};
	t.true(agent.identity.id?.startsWith(`${description.version}-`));
	t.like(await agent.call('self', null), {node: '22.23.3', native: 'ok', netlink: {route: 'ok', generic: 'ok'}});
});

type Start = (args: readonly string[]) => Promise<AgentConnection>;

function emulatedTest(
	title: string,
	body: (t: ExecutionContext, start: Start, scratch: string, argv: readonly string[]) => Promise<void>,
): void {
	peerTest(`the arm64 agent ${title}`, ['qemu-aarch64-static'], async (t, scratch) => {
		if (!existsSync(join(libraries, 'lib'))) {
			if (process.env.CI === 'true') throw new Error(`Missing where it must be present: ${libraries}`);
			t.log('skipped: libraries of arm64 (.ci/install-arm64)');
			t.pass();
			return;
		}
		const folder = await writeBundle(await bundleOf('linux/arm64'), join(scratch, 'agent'));
		const files = ['node', 'agent.js'].map(name => join(folder, 'opt/sealimage', name));
		const argv = ['qemu-aarch64-static', '-L', libraries, ...files];
		const start: Start = async args => {
			const agent = await openAgent(programTransport([...argv, ...args]), {timeoutMs: 120_000});
			t.teardown(() => agent.close());
			return agent;
		};
		await body(t, start, scratch, argv);
	});
}

function bundleOf(platform: string): Promise<AgentBundle> {
	const scriptDir = join(process.cwd(), 'dist/agent');
	return openBundle(platform, {cacheDir: cache, scriptDir, env: process.env});
}
