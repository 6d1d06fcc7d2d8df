import {homedir} from 'node:os';
import {join} from 'node:path';
import type {SealEvent} from '../../lib/core/events.js';
import {digestOf} from '../../lib/oci/digest.js';
import {createAgentInstaller} from '../../lib/runtime/agent/bootstrap.js';
import {type AgentBundle, openBundle} from '../../lib/runtime/agent/bundle/bundle.js';
import {agentId, formatManifest} from '../../lib/runtime/agent/bundle/manifest.js';
import {openAgent} from '../../lib/runtime/agent/connection.js';
import {ensureAgent} from '../../lib/runtime/agent/ensure.js';
import {type Installed, type InstallOptions, installAgent} from '../../lib/runtime/agent/install/install.js';
import {removeAgent} from '../../lib/runtime/agent/install/remove.js';
import {agentStatus} from '../../lib/runtime/agent/install/status.js';
import {openTransport} from '../../lib/runtime/transport/open.js';
import type {Transport} from '../../lib/runtime/transport/transport.js';
import {bootHosts, crash, type LabHost, onHost} from '../lab/hosts.js';
import {onLabHosts} from './lab-test.js';

const labTest = onLabHosts(['agent-a', 'agent-b', 'agent-c']);
const cacheDir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sealimage');

labTest('the agent is installed, works, and a second time there is nothing to do', async (t, [host]) => {
	const first = await install(host);
	t.like(first, {platform: 'linux/amd64', changed: true, previous: undefined});
	t.true(first.sentBytes < 60e6, `${first.sentBytes} bytes were sent`);
	t.like(await install(host), {changed: false, sentBytes: 0});
	await using transport = reach(host);
	const agent = await openAgent(transport);
	t.is(agent.identity.id, first.id);
	t.like(await agent.call('self', null), {native: 'ok', netlink: {route: 'ok', generic: 'ok'}});
	t.like(await agent.call('have', {blobs: []}), {blobs: []});
	await agent.close();
	t.is(onHost(host.name, 'pgrep -x node || true'), '');
});

labTest('two versions are side by side, and share what is equal', async (t, [host]) => {
	const next = later(await bundleFor('linux/amd64'));
	const second = await install(host, {bundle: async () => next});
	t.true(second.changed);
	t.true(second.sentBytes < 100_000, `${second.sentBytes} bytes were sent`);
	await using transport = reach(host);
	const status = await agentStatus(transport);
	t.is(status.current, next.id);
	t.deepEqual(
		status.versions.map(({damaged}) => damaged),
		[[], []],
	);
	t.is(status.versions.length, 2);
	const used = Number(onHost(host.name, 'du -sm /opt/sealimage').split('\t')[0]);
	t.true(used < 160, `${used} MB are used`);
});

labTest('what a session is asked for is the agent of this program', async (t, [host]) => {
	await using transport = reach(host);
	let installs = 0;
	const ensure = (): ReturnType<typeof ensureAgent> =>
		ensureAgent(transport, {
			bundle: bundleFor,
			install: async () => {
				installs++;
				return await installAgent(transport, {bundle: bundleFor, cacheDir});
			},
		});
	for (let n = 0; n < 2; n++) await (await ensure()).close();
	t.is(installs, 1);
});

labTest('after a power cut in the middle of an upload the next attempt completes it', async (t, [, host]) => {
	const cut = install(host, {
		onEvent: event => {
			if (event.type === 'blob.progress' && event.doneBytes > 8e6) crash(host.name);
		},
	});
	await t.throwsAsync(cut);
	await bootHosts([host.name]);
	t.true((await install(host)).changed);
	await using transport = reach(host);
	t.deepEqual((await agentStatus(transport)).versions[0]?.damaged, []);
	t.is(onHost(host.name, 'find /opt/sealimage -name ".*" | wc -l').trim(), '0');
});

labTest('what had arrived before a power cut is not sent again', async (t, [, host]) => {
	{
		await using transport = reach(host);
		t.true(await removeAgent(transport));
	}
	const arrived = (event: SealEvent): boolean => event.type === 'blob.finished' && event.sizeBytes > 20e6;
	await t.throwsAsync(install(host, {onEvent: event => arrived(event) && crash(host.name)}));
	await bootHosts([host.name]);
	const {changed, sentBytes} = await install(host);
	t.true(changed);
	t.true(sentBytes < 10e6, `${sentBytes} bytes were sent again`);
});

labTest('hosts pass the agent on: two copies leave the operator, and nothing listens afterwards', async (t, hosts) => {
	const transports = hosts.map(reach);
	try {
		for (const transport of transports) await removeAgent(transport);
		const installer = createAgentInstaller({bundle: bundleFor, cacheDir});
		const installed = await Promise.all(transports.map(transport => installer.install(transport)));
		await installer.close();
		t.is(installed.filter(({sentBytes}) => sentBytes > 20e6).length, 2);
		for (const [i, transport] of transports.entries()) {
			t.deepEqual((await agentStatus(transport)).versions[0]?.damaged, []);
			t.is(onHost(hosts[i]!.name, 'ss -Hltnp | grep -c node || true').trim(), '0');
		}
	} finally {
		for (const transport of transports) await transport.close();
	}
});

for (const tool of ['curl', 'wget', 'bash']) {
	labTest(`a host with ${tool} alone takes the agent from another host`, async (t, [from, to]) => {
		const others = ['curl', 'wget', 'bash'].filter(name => name !== tool && name !== 'bash');
		const hide = others.map(name => `[ ! -e /usr/bin/${name} ] || mv /usr/bin/${name} /usr/bin/${name}.hidden`);
		if (onHost(to.name, `command -v ${tool} || true`) === '') {
			t.log(`skipped: ${tool} is not on the host`);
			t.pass();
			return;
		}
		onHost(to.name, `${hide.join('; ')}; rm -rf /opt/sealimage`);
		const transports = [from, to].map(reach);
		const installer = createAgentInstaller({bundle: bundleFor, cacheDir});
		try {
			for (const transport of transports) await installer.install(transport);
			t.true(onHost(to.name, 'test -x /opt/sealimage/current/node && echo yes') === 'yes\n');
		} finally {
			await installer.close();
			for (const transport of transports) await transport.close();
			onHost(to.name, 'for f in /usr/bin/*.hidden; do [ ! -e "$f" ] || mv "$f" "${f%.hidden}"; done');
		}
	});
}

labTest('an agent at work is not removed from under it, and removing leaves nothing', async (t, [host]) => {
	await using transport = reach(host);
	const agent = await openAgent(transport);
	t.like(await t.throwsAsync(removeAgent(transport)), {code: 'ERR_AGENT_BUSY', host: host.name});
	await agent.close();
	t.true(await removeAgent(transport));
	t.is(onHost(host.name, 'ls -d /opt/sealimage 2>/dev/null || echo gone'), 'gone\n');
	t.false(await removeAgent(transport));
	t.like(await t.throwsAsync(openAgent(transport)), {code: 'ERR_AGENT_MISSING'});
});

labTest('a full disk is told before anything is sent, and leaves nothing', async (t, [host]) => {
	onHost(host.name, 'mkdir -p /opt && mount -t tmpfs -o size=20m tmpfs /opt');
	try {
		t.like(await t.throwsAsync(install(host)), {code: 'ERR_NO_SPACE', host: host.name});
		t.is(onHost(host.name, 'find /opt -mindepth 1 | wc -l').trim(), '0');
		onHost(host.name, 'mount -o remount,ro /opt');
		t.like(await t.throwsAsync(install(host)), {host: host.name});
	} finally {
		onHost(host.name, 'umount /opt');
	}
});

async function install(host: LabHost, options: Partial<InstallOptions> = {}): Promise<Installed> {
	await using transport = reach(host);
	return await installAgent(transport, {bundle: bundleFor, cacheDir, ...options});
}

function reach(host: LabHost): Transport {
	const open = openTransport({
		operator: {user: 'root', home: '/nonexistent'},
		hostKey: 'off',
		configFiles: [],
		silenceTimeoutMs: 10_000,
	});
	return open({
		name: host.name,
		address: host.address,
		roles: [],
		login: {user: 'root', identities: [{file: host.keyFile}], agent: false},
	});
}

function bundleFor(platform: string): Promise<AgentBundle> {
	const scriptDir = join(process.cwd(), 'dist/agent');
	return openBundle(platform, {cacheDir, scriptDir, env: process.env});
}

/** The agent of a later version, with the same Node. */
function later(bundle: AgentBundle): AgentBundle {
	const files = bundle.files.filter(file => file.name !== 'agent.json');
	const manifest = {...bundle.manifest, version: '9.0.0'};
	const bytes = formatManifest(manifest);
	const last = {name: 'agent.json', mode: 0o644, sizeBytes: bytes.length, digest: digestOf(bytes)};
	return {
		...bundle,
		id: agentId(bytes),
		manifest,
		files: [...files, {...last, content: {kind: 'bytes' as const, bytes}}],
	};
}
