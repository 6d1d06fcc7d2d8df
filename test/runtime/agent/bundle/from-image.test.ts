import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {collect, oneChunk} from '../../../../lib/core/bytes.js';
import {withComponent} from '../../../../lib/oci/component.js';
import type {Descriptor} from '../../../../lib/oci/descriptor.js';
import {loadImage} from '../../../../lib/oci/image.js';
import {formatManifest} from '../../../../lib/oci/manifest.js';
import {mediaTypes} from '../../../../lib/oci/media-types.js';
import {openStore, type Store} from '../../../../lib/oci/store/store.js';
import {packTar} from '../../../../lib/oci/tar/write.js';
import type {AgentBundle} from '../../../../lib/runtime/agent/bundle/bundle.js';
import {bundleFromImages} from '../../../../lib/runtime/agent/bundle/from-image.js';
import {smallBundle} from '../../../helpers/agent-bundle.js';
import {header} from '../../../helpers/entries.js';
import {put, putImage} from '../../../helpers/images.js';
import {tempDir} from '../../../helpers/temp-dir.js';

type Members = Readonly<Record<string, Uint8Array>>;

/** A store with an image whose layers are an ordinary one and one that says it is the agent's. */
async function storeWith(t: ExecutionContext, name: string, members: Members, platform: string): Promise<Store> {
	const store = await openStore(tempDir(t));
	const inputs = Object.entries(members).map(([path, bytes]) => ({
		header: header(path, {type: path.endsWith('/') ? 'directory' : 'file', size: bytes.length}),
		content: oneChunk(bytes),
	}));
	const tar = await collect(packTar(inputs), 1e9);
	const [os = '', architecture = ''] = platform.split('/');
	const descriptor = await putImage(store, {layers: ['other', tar], platform: {os, architecture}});
	const {manifest} = await loadImage(store, descriptor);
	const layers = manifest.layers.map((layer, i): Descriptor => (i === 1 ? withComponent(layer, 'agent') : layer));
	const bytes = formatManifest({...manifest, layers});
	await store.tag(name, {...(await put(store, mediaTypes.manifest, bytes))});
	return store;
}

function membersOf(bundle: AgentBundle): Members {
	return Object.fromEntries(
		bundle.files.map(({name, content}) => [
			`opt/sealimage/${name}`,
			content.kind === 'bytes' ? content.bytes : new Uint8Array(),
		]),
	);
}

test('the agent of an image is unpacked once, and is the one that was built into it', async t => {
	const agent = smallBundle();
	const store = await storeWith(t, 'rootfs:1', membersOf(agent), agent.platform);
	const cacheDir = tempDir(t);
	for (const _ of [1, 2]) {
		const found = await bundleFromImages(agent.platform, ['rootfs:1'], store, {cacheDir});
		t.is(found?.id, agent.id);
		t.deepEqual(
			found?.files.map(({name, mode}) => [name, mode]),
			agent.files.map(({name, mode}) => [name, mode]),
		);
	}
	t.is(readdirSync(join(cacheDir, 'agents')).length, 1);
});

test('a cache that has suffered is made anew', async t => {
	const agent = smallBundle();
	const store = await storeWith(t, 'rootfs:1', membersOf(agent), agent.platform);
	const cacheDir = tempDir(t);
	const first = await bundleFromImages(agent.platform, ['rootfs:1'], store, {cacheDir});
	const node = first?.files.find(({name}) => name === 'node')?.content;
	if (node?.kind !== 'file') throw new Error('It is not unpacked');
	writeFileSync(node.path, 'evil');
	t.is((await bundleFromImages(agent.platform, ['rootfs:1'], store, {cacheDir}))?.id, agent.id);
	t.not(readFileSync(node.path, 'utf8'), 'evil');
});

test('an image without an agent gives none', async t => {
	const store = await openStore(tempDir(t));
	await store.tag('app:1', await putImage(store));
	t.is(await bundleFromImages('linux/amd64', ['app:1'], store, {cacheDir: tempDir(t)}), undefined);
});

test('an agent that speaks another protocol is passed over', async t => {
	const agent = smallBundle();
	const members = membersOf(agent);
	const manifest = JSON.parse(Buffer.from(members['opt/sealimage/agent.json']!).toString()) as object;
	const other = Buffer.from(JSON.stringify({...manifest, protocol: 999}));
	const store = await storeWith(t, 'rootfs:1', {...members, 'opt/sealimage/agent.json': other}, agent.platform);
	t.is(await bundleFromImages(agent.platform, ['rootfs:1'], store, {cacheDir: tempDir(t)}), undefined);
});

test('what does not belong into an agent is refused, and nothing stays', async t => {
	const agent = smallBundle();
	for (const path of ['opt/sealimage/sub/evil.js', 'etc/passwd', 'opt/sealimage/.hidden']) {
		const store = await storeWith(t, 'rootfs:1', {...membersOf(agent), [path]: Buffer.from('x')}, agent.platform);
		const cacheDir = tempDir(t);
		await t.throwsAsync(bundleFromImages(agent.platform, ['rootfs:1'], store, {cacheDir}), {
			code: 'ERR_AGENT_BUNDLE',
			message: /does not belong there$/,
		});
		t.deepEqual(readdirSync(join(cacheDir, 'agents')), []);
	}
});

test('a file that is not what agent.json says is refused', async t => {
	const agent = smallBundle();
	const store = await storeWith(
		t,
		'rootfs:1',
		{...membersOf(agent), 'opt/sealimage/node': Buffer.from('evil')},
		agent.platform,
	);
	await t.throwsAsync(bundleFromImages(agent.platform, ['rootfs:1'], store, {cacheDir: tempDir(t)}), {
		code: 'ERR_AGENT_BUNDLE',
		message: /node is damaged/,
	});
});
