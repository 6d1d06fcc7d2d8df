import {mkdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {compareTrees, readTree} from './disk-tree.js';
import {schemaErrors} from './oci-schema.js';
import {peerTest} from './peer-test.js';
import {buildahIn, podmanIn, run, skopeo, startContainerd, umociUnpack} from './peers.js';
import {clusterRecipe, dataRecipe, programRecipe, siteRecipe} from './recipes.js';
import {buildRecipe, sealimageIn, storeOf} from './sealimage.js';

const program = `docker.io/${programRecipe.name}`;
const cluster = `docker.io/${clusterRecipe.name}`;

async function buildAll(home: string): Promise<Map<string, string>> {
	const digests = new Map<string, string>();
	for (const recipe of [programRecipe, dataRecipe, siteRecipe, clusterRecipe]) {
		digests.set(recipe.name, await buildRecipe(home, recipe));
	}
	return digests;
}

interface OciDocument {
	readonly mediaType: string;
	readonly manifests?: readonly OciDescriptor[];
	readonly config?: OciDescriptor;
	readonly layers?: readonly OciDescriptor[];
}

interface OciDescriptor {
	readonly mediaType: string;
	readonly digest: string;
	readonly platform?: {readonly architecture: string};
}

const readBlob = (layout: string, digest: string): Buffer => readFileSync(join(layout, 'blobs', ...digest.split(':')));
const readDocument = (layout: string, digest: string): OciDocument =>
	JSON.parse(readBlob(layout, digest).toString()) as OciDocument;

peerTest('skopeo reads names, platforms, labels and digests of our store', ['skopeo', 'busybox'], async (t, home) => {
	const digests = await buildAll(home);
	const inspected = JSON.parse(await skopeo('inspect', `oci:${storeOf(home)}:${program}`)) as Record<string, unknown>;
	t.is(inspected.Digest, digests.get(programRecipe.name));
	t.like(inspected, {Os: 'linux', Labels: {'org.example.kind': 'program'}});
	for (const architecture of ['amd64', 'arm64']) {
		const one = await skopeo('inspect', '--override-arch', architecture, `oci:${storeOf(home)}:${cluster}`);
		t.like(JSON.parse(one), {Architecture: architecture, Labels: {'sealos.io.type': 'application'}});
	}
});

peerTest('skopeo copies our images without changing a digest', ['skopeo', 'busybox'], async (t, home) => {
	const digests = await buildAll(home);
	for (const recipe of [programRecipe, dataRecipe, clusterRecipe]) {
		const name = recipe.name.startsWith('registry.') ? recipe.name : `docker.io/${recipe.name}`;
		const copied = join(home, `copy-${recipe.name.replaceAll('/', '-').replace(':', '-')}`);
		await skopeo('copy', '--quiet', '--all', '--preserve-digests', `oci:${storeOf(home)}:${name}`, `oci:${copied}:x`);
		const index = JSON.parse(readFileSync(join(copied, 'index.json'), 'utf8')) as {manifests: OciDescriptor[]};
		t.is(index.manifests[0]?.digest, digests.get(recipe.name), recipe.name);
	}
});

peerTest(
	'a docker archive made by skopeo from our image comes back the same',
	['skopeo', 'busybox'],
	async (t, home) => {
		await buildRecipe(home, programRecipe);
		const archive = join(home, 'docker.tar');
		await skopeo('copy', '--quiet', `oci:${storeOf(home)}:${program}`, `docker-archive:${archive}:interop/back:v1`);
		await sealimageIn(home)('load', '--input', archive);
		t.deepEqual(JSON.parse(await skopeo('inspect', '--config', `oci:${storeOf(home)}:${program}`)).config, {
			...JSON.parse(await skopeo('inspect', '--config', `docker-archive:${archive}`)).config,
		});
		const trees = {ours: join(home, 'ours'), back: join(home, 'back')};
		await umociUnpack(storeOf(home), program, trees.ours);
		await umociUnpack(storeOf(home), 'docker.io/interop/back:v1', trees.back);
		t.deepEqual(compareTrees(readTree(trees.back), readTree(trees.ours)), []);
	},
);

peerTest('our archives are read by skopeo', ['skopeo', 'busybox'], async (t, home) => {
	const digests = await buildAll(home);
	const sealimage = sealimageIn(home);
	const oci = join(home, 'oci.tar');
	await sealimage('save', '--format', 'oci-archive', '-o', oci, cluster);
	t.like(JSON.parse(await skopeo('inspect', '--raw', `oci-archive:${oci}`)), {schemaVersion: 2});
	const raw = await skopeo('inspect', '--raw', `oci-archive:${oci}:${cluster}`);
	t.is(raw, readBlob(storeOf(home), digests.get(clusterRecipe.name) ?? '').toString());
	const docker = join(home, 'docker.tar');
	await sealimage('save', '--format', 'docker-archive', '-o', docker, program);
	t.like(JSON.parse(await skopeo('inspect', `docker-archive:${docker}`)), {Labels: {'org.example.kind': 'program'}});
	const folder = join(home, 'folder');
	await sealimage('save', '--format', 'oci-dir', '-o', folder, program);
	t.like(JSON.parse(await skopeo('inspect', `oci:${folder}:${program}`)), {Digest: digests.get(programRecipe.name)});
});

peerTest('umoci unpacks the tree that we unpack', ['umoci', 'busybox'], async (t, home) => {
	await buildRecipe(home, programRecipe);
	const trees = {ours: join(home, 'ours'), theirs: join(home, 'theirs')};
	await umociUnpack(storeOf(home), program, trees.theirs);
	await sealimageIn(home)('create', program, trees.ours);
	t.deepEqual(compareTrees(readTree(trees.theirs), readTree(trees.ours)), []);
	t.true(readTree(trees.ours).has('data/two'));
});

peerTest(
	'buildah mounts our image and runs its program',
	['buildah', 'skopeo', 'busybox', 'umoci'],
	async (t, home) => {
		await buildRecipe(home, programRecipe);
		const buildah = buildahIn(join(home, 'buildah'));
		const container = (await buildah('from', '--quiet', `oci:${storeOf(home)}:${program}`)).trim();
		const mounted = (await buildah('mount', container)).trim();
		const unpacked = join(home, 'unpacked');
		await umociUnpack(storeOf(home), program, unpacked);
		t.deepEqual(compareTrees(readTree(unpacked), readTree(mounted)), []);
		t.is(await buildah('run', '--isolation', 'chroot', container, '--', '/bin/busybox', 'id', '-u'), '1000\n');
		t.is(await buildah('run', '--isolation', 'chroot', container, '--', '/bin/busybox', 'cat', 'one'), 'shared\n');
		await buildah('rm', '--all');
	},
);

peerTest('podman pulls our image and reads its config', ['podman', 'busybox'], async (t, home) => {
	await buildRecipe(home, programRecipe);
	const podman = podmanIn(join(home, 'podman'));
	const id = (await podman('pull', '--quiet', `oci:${storeOf(home)}:${program}`)).trim();
	const [image] = JSON.parse(await podman('image', 'inspect', id)) as [{Config: Record<string, unknown>}];
	t.like(image.Config, {
		User: '1000:1000',
		WorkingDir: '/data',
		Entrypoint: ['/bin/busybox'],
		Cmd: ['cat', '/data/one'],
	});
	await podman('rmi', '--all', '--force');
});

peerTest('containerd imports our archive and runs it', ['containerd', 'ctr', 'runc', 'busybox'], async (t, home) => {
	const digest = await buildRecipe(home, programRecipe);
	const archive = join(home, 'program.tar');
	await sealimageIn(home)('save', '--format', 'oci-archive', '-o', archive, program);
	const state = join(home, 'containerd');
	mkdirSync(state);
	const ctr = await startContainerd(t, state);
	await ctr('images', 'import', '--snapshotter', 'native', archive);
	t.true((await ctr('images', 'list')).includes(digest));
	t.is(await ctr('run', '--rm', '--snapshotter', 'native', program, 'interop'), 'shared\n');
});

peerTest('GNU tar lists and unpacks our layers without a word', ['tar', 'busybox'], async (t, home) => {
	const digest = await buildRecipe(home, programRecipe);
	for (const layer of readDocument(storeOf(home), digest).layers ?? []) {
		const path = join(storeOf(home), 'blobs', ...layer.digest.split(':'));
		const target = join(home, layer.digest.slice(7, 19));
		mkdirSync(target);
		const flags = layer.mediaType.endsWith('+gzip') ? ['--gzip'] : [];
		const messages = await run(['sh', '-c', 'tar "$@" 2>&1', 'tar', '-xf', path, ...flags, '-C', target]);
		t.is(messages, '');
		t.true(readTree(target).size > 0);
	}
});

peerTest('manifests, indexes and configs are valid by the OCI schemas', ['busybox'], async (t, home) => {
	const layout = storeOf(home);
	let checked = 0;
	const check = (digest: string): void => {
		const document = readDocument(layout, digest);
		checked++;
		if (document.manifests !== undefined) {
			t.deepEqual(schemaErrors('image-index-schema.json', document), []);
			for (const child of document.manifests) check(child.digest);
			return;
		}
		t.deepEqual(schemaErrors('image-manifest-schema.json', document), []);
		const config: unknown = JSON.parse(readBlob(layout, document.config?.digest ?? '').toString());
		t.deepEqual(schemaErrors('config-schema.json', config), []);
	};
	for (const digest of (await buildAll(home)).values()) check(digest);
	t.is(checked, 10);
	t.deepEqual(
		schemaErrors('image-index-schema.json', JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'))),
		[],
	);
	t.notDeepEqual(
		schemaErrors('image-manifest-schema.json', {schemaVersion: 1}),
		[],
		'The schemas refuse what is wrong',
	);
});
