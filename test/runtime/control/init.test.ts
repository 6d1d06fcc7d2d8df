import test from 'ava';
import {balanceWish} from '../../../lib/runtime/control/balancer.js';
import {documentsDigest} from '../../../lib/runtime/control/describe.js';
import {init} from '../../../lib/runtime/control/init.js';
import {useEndpoint, useLocalApi} from '../../../lib/runtime/control/kubelet.js';
import type {HostError} from '../../../lib/runtime/host/error.js';
import type {RunHost} from '../../../lib/runtime/lifecycle/run.js';
import {actionOf, playRun, scriptOf, settingOf} from '../../helpers/control-run.js';
import {rootedHost} from '../../helpers/rooted-host.js';

const scripts = test.macro(async (t, version: string, expected: readonly string[]) => {
	const setting = settingOf(1, 0, {version});
	const played = playRun(setting);
	const host = played.hosts.get('m1')!;
	host.on('sh', async call => {
		await call.readInput();
		return '';
	});
	const input = {version, documents: documentsDigest(setting, setting.hosts[0]!)};
	await init(played.run, actionOf('init', input, 'm1'), played.options);
	t.deepEqual(
		host.calls.map(({argv}) => scriptOf(argv)),
		expected,
	);
	t.deepEqual(played.live, ['m1'], 'others may ask it now');
});

test('the kubelet of a master is led to its own API server', scripts, 'v1.20.2', [
	'sealimage-kubeadm',
	'sealimage-kubelet',
	'sealimage-wait',
]);
test('so is that of versions whose kubeadm would, had it made the file itself', scripts, 'v1.33.0', [
	'sealimage-kubeadm',
	'sealimage-kubelet',
	'sealimage-wait',
]);

test('an API server that does not come is told with the words of its host', async t => {
	const setting = settingOf(1, 0);
	const played = playRun(setting);
	played.hosts.get('m1')!.on('sh', async call => {
		await call.readInput();
		const script = scriptOf(call.argv);
		if (script === 'sealimage-wait') return {code: 1, stderr: 'connection to 10.0.0.1:6443 was refused'};
		return script === 'sealimage-last-words' ? 'pod etcd panic: disk is full\n' : '';
	});
	const input = {version: 'v1.20.2', documents: documentsDigest(setting, setting.hosts[0]!)};
	const error = await t.throwsAsync<HostError>(init(played.run, actionOf('init', input, 'm1'), played.options), {
		code: 'ERR_API_SERVER',
		message: /was refused/,
	});
	t.deepEqual(error?.details.pods, {etcd: ['panic: disk is full']});
	t.deepEqual(played.live, []);
});

test('kubelet.conf changes where it leads, and the kubelet starts anew for that alone', async t => {
	const setting = settingOf(1, 0);
	const host = rootedHost(t);
	const {run} = playRun(setting);
	const master: RunHost = {...run.hosts.get('m1')!, transport: host.transport};
	host.tool('systemctl', 'echo "$*" >>"$ROOT/systemctl"');
	const conf = (server: string): string =>
		`clusters:\n- cluster:\n    certificate-authority-data: QQ==\n    server: ${server}\n  name: test\n`;
	host.write('etc/kubernetes/kubelet.conf', conf('https://10.103.97.2:6443'));
	await useLocalApi(setting, master);
	t.is(host.read('etc/kubernetes/kubelet.conf'), conf('"https://10.0.0.1:6443"'));
	await useLocalApi(setting, master);
	t.is(host.read('systemctl'), 'restart kubelet\n');
	await useEndpoint(setting, master);
	t.is(host.read('etc/kubernetes/kubelet.conf'), conf('"https://10.103.97.2:6443"'));
	t.is(host.read('systemctl'), 'restart kubelet\n');
});

test('the balancer begins with the masters, and learns of others by its own certificate', t => {
	t.deepEqual(balanceWish({members: ['10.0.0.1', 'fd00::2', '10.0.0.3:7443'], address: '10.103.97.2', port: 6443}), {
		config: {
			address: '10.103.97.2',
			port: 6443,
			members: ['10.0.0.1:6443', '[fd00::2]:6443', '10.0.0.3:7443'],
			kubeconfig: '/etc/sealimage/lb.kubeconfig',
		},
	});
});
