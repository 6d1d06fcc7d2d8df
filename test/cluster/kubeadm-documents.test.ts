import {execFile} from 'node:child_process';
import {existsSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';
import test, {type ExecutionContext} from 'ava';
import {parseYaml, printYaml} from '../../lib/core/yaml.js';
import type {KubeadmDocument} from '../../lib/runtime/kubeadm/document.js';
import {initDocuments, joinDocuments, type KubeadmCluster} from '../../lib/runtime/kubeadm/documents.js';
import {readNetwork} from '../../lib/runtime/kubeadm/network.js';
import {parseKubernetesVersion} from '../../lib/runtime/kubeadm/version.js';
import {tempDir} from '../helpers/temp-dir.js';
import {makeBinaries} from '../lab/kubernetes/make.js';
import {binariesDir, builtVersion} from '../lab/kubernetes/place.js';
import {inTurn} from './lab-test.js';

// What kubeadm itself reads out of our documents: it says of each field that it does not know, and what it took.
const execute = promisify(execFile);
let kubeadm = '';

inTurn('beside');
test.before('find kubeadm', t => {
	t.timeout(1_500_000);
	if (process.env.CI === 'true') makeBinaries();
	const path = join(binariesDir(), 'kubeadm');
	if (existsSync(path)) kubeadm = path;
});

function kubeadmTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
	test(title, async t => {
		if (kubeadm !== '') {
			await body(t);
			return;
		}
		t.log('skipped: kubeadm (npm run lab -- kubernetes makes it)');
		t.pass();
	});
}

const cluster: KubeadmCluster = {
	name: 'default',
	version: parseKubernetesVersion(builtVersion),
	network: readNetwork([]),
	apiNames: ['api.example.com'],
	proxyMode: 'ipvs',
	criSocket: '/run/containerd/containerd.sock',
	hasCgroupV1: false,
	hasWorkers: false,
	given: [
		{
			apiVersion: 'kubeadm.k8s.io/v1beta4',
			kind: 'ClusterConfiguration',
			apiServer: {extraArgs: [{name: 'audit-log-maxage', value: '7'}], certSANs: ['user.example.com']},
		},
	],
};

kubeadmTest('every field of init is known to kubeadm, and taken as it was meant', async t => {
	const given = initDocuments(cluster, {name: 'm1', addresses: ['10.77.0.11']});
	const {read, said} = await readBack(t, given);
	t.notRegex(said, /unknown field|strict|W\d{4}/);
	const [init, taken] = read;
	t.like(init, {
		localAPIEndpoint: {advertiseAddress: '10.77.0.11', bindPort: 6443},
		nodeRegistration: {
			name: 'm1',
			criSocket: cluster.criSocket,
			kubeletExtraArgs: {'node-ip': '10.77.0.11'},
			taints: [],
		},
	});
	const wanted = given.find(({kind}) => kind === 'ClusterConfiguration');
	for (const [name, value] of Object.entries(wanted ?? {})) t.like({[name]: taken?.[name]}, {[name]: value}, name);
});

kubeadmTest('so is every field of joining', async t => {
	const kubeconfig = join(tempDir(t), 'kubelet.conf');
	writeFileSync(kubeconfig, 'apiVersion: v1\nkind: Config\n');
	for (const isMaster of [true, false]) {
		const node = {name: 'n2', addresses: ['10.77.0.12']};
		const given = joinDocuments(cluster, node, {discovery: {kubeconfig}, isMaster});
		const {read, said} = await readBack(t, given);
		t.notRegex(said, /unknown field|strict|W\d{4}/);
		t.like(read[0], {discovery: {file: {kubeConfigPath: kubeconfig}}, nodeRegistration: {name: 'n2'}});
		t.is(read[0]?.controlPlane !== undefined, isMaster);
	}
});

/** The documents as kubeadm writes them after it has read them. */
async function readBack(
	t: ExecutionContext,
	documents: readonly KubeadmDocument[],
): Promise<{readonly read: readonly KubeadmDocument[]; readonly said: string}> {
	const path = join(tempDir(t), 'kubeadm.yaml');
	writeFileSync(path, printYaml(documents));
	const {stdout, stderr} = await execute(kubeadm, ['config', 'migrate', '--old-config', path]);
	return {read: parseYaml(stdout) as KubeadmDocument[], said: stderr};
}
