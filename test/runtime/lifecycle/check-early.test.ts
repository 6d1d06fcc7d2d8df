import test from 'ava';
import {HostError} from '../../../lib/runtime/host/error.js';
import {runCluster} from '../../../lib/runtime/lifecycle/operate.js';
import type {RunRequest} from '../../../lib/runtime/lifecycle/operate-request.js';
import {openClusterCache} from '../../../lib/runtime/state/cache.js';
import type {ClusterState} from '../../../lib/runtime/state/cluster-state.js';
import type {OpenTransport} from '../../../lib/runtime/transport/transport.js';
import {makeImage, makeStore} from '../../helpers/cluster-images.js';
import {digestNumber, exampleState, settingHost} from '../../helpers/cluster-state.js';
import {tempDir} from '../../helpers/temp-dir.js';

const host = {name: 'm1', address: '10.0.0.1', roles: ['master'], login: {}};
const labels = (version: string) => ({'sealos.io.type': 'rootfs', 'sealos.io.version': 'v1beta1', version});

interface Asked {
	readonly error: Error | undefined;
	readonly opened: readonly string[];
}

const refuses = test.macro(
	async (
		t,
		wish: Partial<RunRequest>,
		expected: {readonly code: string; readonly message: RegExp; readonly hint?: RegExp},
		known?: Partial<ClusterState>,
	) => {
		const {error, opened} = await ask(t, wish, known);
		t.like(error, {code: expected.code});
		t.regex(error?.message ?? '', expected.message);
		if (expected.hint !== undefined) t.regex((error as {hint?: string}).hint ?? '', expected.hint);
		t.deepEqual(opened, []);
	},
);

async function ask(
	t: Parameters<typeof makeStore>[0],
	wish: Partial<RunRequest>,
	known?: Partial<ClusterState>,
): Promise<Asked> {
	const store = await makeStore(t);
	for (const version of ['v1.20.2', 'v1.22.1', 'v1.19.9'])
		await makeImage(store, {name: `kubernetes:${version}`, config: {Labels: labels(version)}});
	await makeImage(store, {name: 'redis:v7', config: {Cmd: ['true']}});
	const clustersDir = tempDir(t);
	if (known !== undefined) await openClusterCache(clustersDir).write(exampleState(known, [settingHost('m1', true)]));
	const opened: string[] = [];
	const open: OpenTransport = ({name}) => {
		opened.push(name);
		throw new HostError(name, 'ERR_HOST_UNREACHABLE', 'Nobody answers');
	};
	const error = await runCluster(
		{name: 'prod', hosts: [{target: host}], images: ['kubernetes:v1.20.2'], ...wish},
		{store, clustersDir, open, operator: {who: 'o', from: 'h'}, writtenBy: 'test'},
	).then(
		() => undefined,
		(reason: unknown) => reason as Error,
	);
	return {error, opened};
}

const begun = {done: {access: digestNumber(7)}};

const asA = (...roles: readonly string[]): Partial<RunRequest> => ({hosts: [{target: {...host, roles}}]});
const settingRefused = (message: RegExp, hint: RegExp) => ({code: 'ERR_CLUSTER_SETTING', message, hint});

test(
	'a role that is none',
	refuses,
	asA('mastr'),
	settingRefused(/neither a master nor a node/, /Is "master" meant\?/),
);
test('a role of its own alone', refuses, asA('gpu'), settingRefused(/neither a master nor a node/, /one of these/));
test(
	'a whole cluster without a master',
	refuses,
	{...asA('node'), isWhole: true},
	settingRefused(/None of the hosts is a master/, /the role master/),
);
test(
	'an application without a cluster',
	refuses,
	{images: ['redis:v7']},
	{
		code: 'ERR_ROOTFS',
		message: /The first image, docker\.io\/library\/redis:v7, is of the type application, expected a rootfs/,
		hint: /clusters import --host MASTER/,
	},
);
test(
	'an application before its rootfs',
	refuses,
	{images: ['redis:v7', 'kubernetes:v1.20.2']},
	{
		code: 'ERR_ROOTFS',
		message: /The first image/,
	},
);
test(
	'two rootfs images',
	refuses,
	{images: ['kubernetes:v1.20.2', 'kubernetes:v1.22.1']},
	{
		code: 'ERR_ROOTFS',
		message: /expected one/,
	},
);
test(
	'an image that is named twice',
	refuses,
	{images: ['kubernetes:v1.20.2', 'redis:v7', 'redis:v7']},
	{
		code: 'ERR_IMAGE_TWICE',
		message: /redis:v7 is named twice/,
	},
);
test(
	'a version two minors ahead',
	refuses,
	{images: ['kubernetes:v1.22.1']},
	{code: 'ERR_VERSION_ORDER', message: /none may be left out/, hint: /v1\.20\.2, or take the cluster anew/},
	begun,
);
test(
	'two rootfs images for a cluster that is there',
	refuses,
	{images: ['kubernetes:v1.20.2', 'kubernetes:v1.22.1']},
	{code: 'ERR_ROOTFS', message: /expected one/},
	begun,
);
test(
	'a Kubernetes that is not supported',
	refuses,
	{images: ['kubernetes:v1.19.9']},
	{
		code: 'ERR_KUBERNETES_VERSION',
		message: /1\.19/,
	},
);
test(
	'a document of kubeadm that this Kubernetes does not know',
	refuses,
	{
		kubeadm: [{apiVersion: 'kubeadm.k8s.io/v1beta4', kind: 'ClusterConfiguration', encryptionAlgorithm: 'ECDSA-P256'}],
	},
	{code: 'ERR_KUBEADM_DOCUMENT', message: /encryptionAlgorithm/},
);

for (const [title, wish, known] of [
	['a rootfs and an application', {images: ['kubernetes:v1.20.2', 'redis:v7']}, undefined],
	['an application in a cluster that is there', {images: ['redis:v7']}, begun],
	['an application before the rootfs that the cluster has', {images: ['redis:v7', 'kubernetes:v1.20.2']}, begun],
	['another version in a cluster that has not begun', {images: ['kubernetes:v1.22.1']}, {done: {}}],
] as const) {
	test(`${title} is for the hosts to decide`, async t => {
		t.deepEqual((await ask(t, wish, known)).opened, ['m1']);
	});
}

test('of a cluster that is there some host has to answer', async t => {
	const {error} = await ask(t, {hosts: [], images: ['redis:v7']}, begun);
	t.like(error, {code: 'ERR_HOST_UNREACHABLE', message: 'It does not answer; nothing was done'});
	t.regex((error as HostError).hint ?? '', /^Start the masters/);
});
