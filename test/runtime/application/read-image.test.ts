import test, {type ExecutionContext} from 'ava';
import {withComponent} from '../../../lib/oci/component.js';
import type {RunConfig} from '../../../lib/oci/config.js';
import {type Descriptor, describe} from '../../../lib/oci/descriptor.js';
import {readManifest} from '../../../lib/oci/image.js';
import {formatManifest, type ImageManifest} from '../../../lib/oci/manifest.js';
import {mediaTypes} from '../../../lib/oci/media-types.js';
import type {Store} from '../../../lib/oci/store/store.js';
import {type ClusterImageSource, readClusterImage} from '../../../lib/runtime/application/read-image.js';
import type {ClusterImage} from '../../../lib/runtime/lifecycle/setting.js';
import {type ImageParts, makeImage, makeIndex, makeStore, put} from '../../helpers/cluster-images.js';

const programs = {'bin/kubeadm*': 'x', 'bin/kubectl*': 'x', 'bin/kubelet*': 'xyz'};
const labels = {'sealos.io.type': 'rootfs', 'sealos.io.version': 'v1beta1', version: 'v1.30.2'};
const amd64 = {platforms: ['linux/amd64']};

async function read(t: ExecutionContext, parts: ImageParts, name = 'kubernetes:v1.30.2'): Promise<ClusterImage> {
	const store = await makeStore(t);
	await makeImage(store, {...parts, name});
	return await readClusterImage(store, name, amd64);
}

function rootfs(files: Readonly<Record<string, string>> = {}, config: RunConfig = {}): ImageParts {
	return {trees: [{...programs, ...files}], config: {Labels: labels, ...config}};
}

test('an application is its lines and variables, and its layers are not looked at', async t => {
	const store = await makeStore(t);
	const manifest = await makeImage(store, {
		name: 'redis:v7',
		layers: ['this is no archive'],
		config: {
			Env: ['PATH=/usr/bin', 'NAME=redis', 'EMPTY=', 'EQUALS=a=b'],
			Entrypoint: ['/bin/sh', '-c', 'prepare && more'],
			Cmd: ['kubectl apply -f manifests/', ' ', 'second line'],
			Labels: {init: 'not a hook here'},
		},
	});
	const image = await readClusterImage(store, 'redis:v7', amd64);
	const {bytes} = image.platforms['linux/amd64']!;
	t.true(bytes > manifest.size + 'this is no archive'.length);
	t.deepEqual(image, {
		name: 'docker.io/library/redis:v7',
		digest: manifest.digest,
		type: 'application',
		platforms: {'linux/amd64': {manifest: manifest.digest, bytes}},
		env: {NAME: 'redis', EMPTY: '', EQUALS: 'a=b'},
		entrypoint: ['prepare && more'],
		command: ['kubectl apply -f manifests/', 'second line'],
		hooks: {},
		kubeadm: [],
		configs: [],
		files: {},
	});
	t.is(JSON.stringify(JSON.parse(JSON.stringify(image))), JSON.stringify(image));
});

test('a rootfs has its version, hooks, documents and files', async t => {
	const image = await read(t, {
		trees: [
			{
				...programs,
				'etc/kubeadm.yml': 'apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\nimageRepository: x\n',
				'config.yml':
					'apiVersion: apps.sealos.io/v1beta1\nkind: Config\nmetadata: {name: c}\nspec: {path: etc/x, data: y}\n',
				'scripts/check.sh': '',
				'scripts/clean.sh': '',
				'scripts/init-cri.sh': '',
				'registry/docker/registry/v2/blobs/x': 'b',
				'opt/sealimage/agent.js': 'a',
			},
			[
				{
					header: {
						path: 'bin/alias',
						type: 'symlink',
						mode: 0o777,
						uid: 0,
						gid: 0,
						size: 0,
						mtime: 0,
						linkname: 'kubectl',
					},
				},
			],
		],
		config: {Labels: {...labels, check: 'check.sh $registryData', init: 'init-cri.sh && bash init.sh'}},
	});
	t.is(image.type, 'rootfs');
	t.is(image.kubernetes, 'v1.30.2');
	t.deepEqual(image.hooks, {
		check: 'check.sh $registryData',
		clean: 'clean.sh',
		init: 'init-cri.sh && bash init.sh',
	});
	t.is(image.kubeadm[0]?.imageRepository, 'x');
	t.deepEqual(image.configs, [{name: 'c', match: '', path: 'etc/x', strategy: 'override', data: 'y'}]);
	const files = image.files['linux/amd64']!;
	t.deepEqual(
		files.map(({path}) => path),
		[
			'bin',
			'bin/alias',
			'bin/kubeadm',
			'bin/kubectl',
			'bin/kubelet',
			'config.yml',
			'etc',
			'etc/kubeadm.yml',
			'opt',
			'scripts',
			'scripts/check.sh',
			'scripts/clean.sh',
			'scripts/init-cri.sh',
		],
	);
	t.deepEqual(files[1], {path: 'bin/alias', kind: 'link', mode: 0o777, sizeBytes: 0, target: 'kubectl'});
	t.deepEqual(files[4], {path: 'bin/kubelet', kind: 'file', mode: 0o755, sizeBytes: 3});
});

const lock = JSON.stringify({images: [{reference: 'registry.k8s.io/kube-apiserver:v1.28.4', other: 1}]}, undefined, 1);
const versions: Readonly<Record<string, readonly [ImageParts, string, string]>> = {
	'its label': [rootfs(), 'x/y:latest', 'v1.30.2'],
	'what it embeds': [
		rootfs({'images/lock.json': lock}, {Labels: {'sealos.io.type': 'rootfs'}}),
		'k8s:v1.30.1',
		'v1.28.4',
	],
	'its name': [
		rootfs({}, {Labels: {'sealos.io.type': 'rootfs'}}),
		'localhost:5000/kubernetes:v1.27.7-5.0.1',
		'v1.27.7',
	],
};

for (const [where, [parts, name, version]] of Object.entries(versions)) {
	test(`the version of a rootfs is found in ${where}`, async t => {
		t.is((await read(t, parts, name)).kubernetes, version);
	});
}

const refusals: Readonly<Record<string, readonly [ImageParts, string, RegExp]>> = {
	'without kubeadm and kubelet': [
		{trees: [{'bin/kubectl': 'x'}], config: {Labels: labels}},
		'ERR_ROOTFS_IMAGE',
		/no bin\/kubeadm, no bin\/kubelet/,
	],
	'of k3s': [
		rootfs({}, {Labels: {...labels, 'sealos.io.distribution': 'k3s'}}),
		'ERR_ROOTFS_IMAGE',
		/"k3s", expected kubernetes/,
	],
	'of no version': [rootfs({}, {Labels: {'sealos.io.type': 'rootfs'}}), 'ERR_ROOTFS_IMAGE', /which Kubernetes it is/],
	'of a Kubernetes that is too old': [
		rootfs({}, {Labels: {...labels, version: 'v1.19.0'}}),
		'ERR_KUBERNETES_VERSION',
		/1\.19/,
	],
	'of an unknown type': [{config: {Labels: {'sealos.io.type': 'base'}}}, 'ERR_IMAGE_TYPE', /"base"/],
	'whose ENV is no list': [{config: {Env: 7} as unknown as RunConfig}, 'ERR_CLUSTER_IMAGE', /Env is no list/],
	'whose labels are no texts': [{config: {Labels: {a: 1}} as unknown as RunConfig}, 'ERR_CLUSTER_IMAGE', /labels/],
	'with a NUL in a line': [{config: {Cmd: ['a\0b']}}, 'ERR_CLUSTER_IMAGE', /NUL/],
	'with a line without end': [{config: {Cmd: ['x'.repeat(70_000)]}}, 'ERR_CLUSTER_IMAGE', /line 1 of its Cmd/],
	'with more lines than anybody writes': [
		{config: {Cmd: Array.from({length: 1001}, () => 'x')}},
		'ERR_CLUSTER_IMAGE',
		/1000 lines/,
	],
	'whose kubeadm.yml is of something else': [
		rootfs({'etc/kubeadm.yml': 'kind: Pod\napiVersion: v1\n'}),
		'ERR_KUBEADM_DOCUMENT',
		/"Pod"/,
	],
	'whose kubeadm.yml grows without end': [rootfs({'etc/kubeadm.yml': bomb()}), 'ERR_YAML', /more than/],
	'whose config.yml holds something else': [
		rootfs({'config.yml': 'apiVersion: apps.sealos.io/v1beta1\nkind: Cluster\nmetadata: {name: x}\n'}),
		'ERR_CLUSTERFILE',
		/a Cluster/,
	],
};

for (const [what, [parts, code, message]] of Object.entries(refusals)) {
	test(`an image ${what} is refused`, async t => {
		await t.throwsAsync(read(t, parts, 'kubernetes:latest'), {code, message});
	});
}

/** Each alias names ten of the one before. */
function bomb(): string {
	const lines = Array.from(
		{length: 8},
		(_, i) => `l${i}: &l${i} [${Array.from({length: 10}, () => (i === 0 ? 'x' : `*l${i - 1}`)).join(', ')}]`,
	);
	return `apiVersion: kubeadm.k8s.io/v1beta3\nkind: ClusterConfiguration\n${lines.join('\n')}\n`;
}

test('an artifact is no image', async t => {
	const store = await makeStore(t);
	const config = await put(store, 'application/vnd.cncf.helm.config.v1+json', Buffer.from('{}'));
	const mediaType = mediaTypes.manifest;
	const manifest = await put(store, mediaType, formatManifest({schemaVersion: 2, mediaType, config, layers: []}));
	await store.tag('chart:v1', manifest);
	await t.throwsAsync(readClusterImage(store, 'chart:v1', amd64), {
		code: 'ERR_CLUSTER_IMAGE',
		message: /artifact of type application\/vnd\.cncf\.helm/,
	});
	await t.throwsAsync(readClusterImage(store, 'absent:v1', amd64), {code: 'ERR_IMAGE_UNKNOWN'});
});

test('every platform that hosts have is read, and one that is not there is named', async t => {
	const store = await makeStore(t);
	const one = await makeImage(store, {...rootfs(), platform: 'linux/amd64'});
	const other = await makeImage(store, {...rootfs({'bin/more': 'x'}), platform: 'linux/arm64'});
	await makeIndex(store, [one, other], 'kubernetes:v1.30.2');
	const image = await readClusterImage(store, 'kubernetes:v1.30.2', {platforms: ['linux/amd64', 'linux/arm64']});
	t.deepEqual(Object.keys(image.platforms), ['linux/amd64', 'linux/arm64']);
	t.is(image.files['linux/arm64']!.length, image.files['linux/amd64']!.length + 1);
	await t.throwsAsync(readClusterImage(store, 'kubernetes:v1.30.2', {platforms: ['linux/s390x']}), {
		code: 'ERR_PLATFORM',
		message: 'The image kubernetes:v1.30.2 is for linux/amd64, linux/arm64, and hosts need linux/s390x',
	});
	const strange = await makeImage(store, {
		config: {Labels: {'sealos.io.type': 'patch'}},
		trees: [{x: 'y'}],
		platform: 'linux/s390x',
	});
	await makeIndex(store, [one, strange], 'mixed:v1');
	await t.throwsAsync(readClusterImage(store, 'mixed:v1', {platforms: ['linux/amd64', 'linux/s390x']}), {
		code: 'ERR_CLUSTER_IMAGE',
		message: /type is patch for linux\/s390x/,
	});
});

test('layers of the registry and of the agent are not read, others once', async t => {
	const store = await makeStore(t);
	const {layer, diffId} = await layerOf(store, {...programs, 'etc/x': 'y'});
	const hidden = ['registry', 'agent'].map(name =>
		withComponent(describe(mediaTypes.layer, Buffer.from(name)), name as 'agent'),
	);
	const config = await put(
		store,
		mediaTypes.config,
		Buffer.from(
			JSON.stringify({
				os: 'linux',
				architecture: 'amd64',
				config: {Labels: labels},
				rootfs: {type: 'layers', diff_ids: [diffId, ...hidden.map(({digest}) => digest)]},
			}),
		),
	);
	const mediaType = mediaTypes.manifest;
	const manifest = await put(
		store,
		mediaType,
		formatManifest({schemaVersion: 2, mediaType, config, layers: [layer, ...hidden]}),
	);
	await store.tag('kubernetes:v1.30.2', manifest);
	const fetched: string[] = [];
	const counting = (): ClusterImageSource => ({
		cacheDir: store.cacheDir,
		resolve: (name, options) => store.resolve(name, options),
		exists: (descriptor, options) => store.exists(descriptor, options),
		fetch: (descriptor, options) => {
			fetched.push(descriptor.digest);
			return store.fetch(descriptor, options);
		},
	});
	const first = await readClusterImage(counting(), 'kubernetes:v1.30.2', amd64);
	t.is(fetched.filter(digest => digest === layer.digest).length, 1);
	t.is(
		first.platforms['linux/amd64']!.bytes,
		[manifest, config, layer, ...hidden].reduce((sum, {size}) => sum + size, 0),
	);
	t.deepEqual(await readClusterImage(counting(), 'kubernetes:v1.30.2', amd64), first);
	t.is(fetched.filter(digest => digest === layer.digest).length, 1, 'its table of contents is kept in the store');
	const same = counting();
	await readClusterImage(same, 'kubernetes:v1.30.2', amd64);
	const before = fetched.length;
	await readClusterImage(same, 'kubernetes:v1.30.2', amd64);
	t.true(fetched.slice(before).every(digest => digest === manifest.digest || digest === config.digest));
});

async function layerOf(
	store: Store,
	files: Readonly<Record<string, string>>,
): Promise<{layer: Descriptor; diffId: string}> {
	const descriptor = await makeImage(store, {trees: [files]});
	const {layers} = (await readManifest(store, descriptor)) as ImageManifest;
	const layer = layers[0]!;
	// It is not compressed.
	return {layer, diffId: layer.digest};
}
