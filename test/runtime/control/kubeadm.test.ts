import test, {type ExecutionContext} from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import {initDocumentsOf} from '../../../lib/runtime/control/describe.js';
import {runKubeadm} from '../../../lib/runtime/control/kubeadm.js';
import {ignoredChecks} from '../../../lib/runtime/control/preflights.js';
import type {HostError} from '../../../lib/runtime/host/error.js';
import type {RunHost} from '../../../lib/runtime/lifecycle/run.js';
import {playRun, settingOf} from '../../helpers/control-run.js';
import {type RootedHost, rootedHost} from '../../helpers/rooted-host.js';

// The script runs in real shells; kubeadm is played.

const digest = `sha256:${'a'.repeat(64)}` as const;
const other = `sha256:${'b'.repeat(64)}` as const;
const work = '/var/lib/sealimage/work';

interface Played extends RootedHost {
	readonly events: SealEvent[];
	call(of?: typeof digest | typeof other): Promise<void>;
	/** The words of each call of kubeadm. */
	calls(): readonly string[];
}

function play(t: ExecutionContext, shell = 'sh', version = 'v1.20.2'): Played {
	const setting = settingOf(1, 0, {version});
	const host = rootedHost(t, 'm1', shell);
	const events: SealEvent[] = [];
	const {run} = playRun(setting);
	const runHost: RunHost = {...run.hosts.get('m1')!, transport: host.transport};
	host.tool('systemctl', 'echo active');
	host.tool('journalctl', 'echo "E1122 01:02:03.000004    77 kubelet.go:1] \\"err\\"=\\"no sandbox image\\""');
	kubeadm(host, '');
	return {
		...host,
		events,
		call: async (of = digest) =>
			await runKubeadm(
				run,
				runHost,
				{
					verb: 'init',
					id: 'init/m1',
					documents: initDocumentsOf(setting, runHost),
					digest: of,
					ignored: ignoredChecks('init', {isMaster: true, network: setting.network, dataDir: '/var/lib/etcd'}),
				},
				{onEvent: event => events.push(event)},
			),
		calls: () => (host.read('calls') ?? '').trim().split('\n').filter(Boolean),
	};
}

/** What kubeadm does after it has noted its call. */
function kubeadm(host: RootedHost, script: string): void {
	host.tool('kubeadm', `echo "$*" >>"$ROOT/calls"; cp "$3" "$ROOT/config"\n${script}`);
}

const passes =
	'sleep 0.02; mkdir -p "$ROOT/etc/kubernetes/manifests"; echo a >"$ROOT/etc/kubernetes/manifests/etcd.yaml"';
const ends = `${passes}; echo b >"$ROOT/var/lib/kubelet/config.yaml"; echo c >"$ROOT/etc/kubernetes/kubelet.conf"`;

for (const shell of ['sh', 'bash']) {
	test(`kubeadm gets its documents whole, says what it does, and is not called twice (${shell})`, async t => {
		const host = play(t, shell);
		kubeadm(host, `${ends}; echo "[init] token: abcdef.0123456789abcdef"; echo "W1: warned" >&2`);
		await host.call();
		t.is(host.calls().length, 1);
		t.regex(
			host.calls()[0] ?? '',
			/^init --config \S+\/kubeadm\.yaml --ignore-preflight-errors=NumCPU,Mem,Swap,SystemVerification --skip-token-print --skip-certificate-key-print --experimental-patches=\S+\/work\/patches$/,
		);
		t.regex(
			host.read(`${work}/patches/etcd.yaml`) ?? '',
			/name: etcd\n\s+resources:\n\s+requests:\n\s+ephemeral-storage: null/,
		);
		t.regex(host.read('config') ?? '', /kind: InitConfiguration[\s\S]*kind: KubeProxyConfiguration/);
		const said = host.events.flatMap(event =>
			event.type === 'command.output' ? [`${event.stream} ${event.text}`] : [],
		);
		t.true(said.includes('stdout [init] token: [secret]\n'));
		t.true(said.includes('stderr W1: warned\n'));
		await host.call();
		t.is(host.calls().length, 1, 'it has come to its end before');
	});

	test(`images that a power cut may have damaged are unpacked anew (${shell})`, async t => {
		const host = play(t, shell);
		host.tool('ctr', 'shift 2; echo "$*" >>"$ROOT/ctr"; case "$2" in ls) echo "$1-1"; echo "$1-2" ;; esac');
		kubeadm(host, 'exit 1');
		await t.throwsAsync(host.call(), {code: 'ERR_KUBEADM'});
		await t.throwsAsync(host.call(), {code: 'ERR_KUBEADM'});
		t.is(host.read('ctr'), undefined, 'the host was on all the time');
		host.write(`${work}/kubeadm.boot`, 'another');
		kubeadm(host, ends);
		await host.call();
		t.deepEqual((host.read('ctr') ?? '').trim().split('\n'), [
			'containers ls -q',
			...['containers-1', 'containers-2'].flatMap(id => [`tasks delete -f ${id}`, `containers rm ${id}`]),
			'leases ls -q',
			'leases rm leases-1',
			'leases rm leases-2',
			'images ls -q',
			'images rm --sync images-1 images-2',
		]);
		t.is(host.read(`${work}/kubeadm.boot`), undefined, 'a later power cut is no business of ours');
	});

	test(`nothing is patched for a kubeadm that asks for no storage (${shell})`, async t => {
		const host = play(t, shell, 'v1.22.0');
		kubeadm(host, ends);
		await host.call();
		t.notRegex(host.calls()[0] ?? '', /patches/);
		t.is(host.read(`${work}/patches/etcd.yaml`), undefined);
	});

	test(`what an attempt left is no foreigner's, but only once it got past the checks (${shell})`, async t => {
		const host = play(t, shell);
		kubeadm(host, 'exit 1');
		for (let attempt = 0; attempt < 2; attempt++) await t.throwsAsync(host.call(), {code: 'ERR_KUBEADM'});
		t.notRegex(host.calls()[1] ?? '', /Port-6443/);
		kubeadm(host, `${passes}; exit 1`);
		await t.throwsAsync(host.call(), {code: 'ERR_KUBEADM'});
		kubeadm(host, ends);
		await host.call();
		t.regex(
			host.calls()[3] ?? '',
			/Port-10250,DirAvailable--etc-kubernetes-manifests,Port-6443,.*FileAvailable--etc-kubernetes-manifests-etcd\.yaml,DirAvailable--var-lib-etcd/,
		);
	});
}

test('files that were there before are not taken for those of an attempt', async t => {
	const host = play(t);
	host.write('etc/kubernetes/manifests/etcd.yaml', 'of another cluster');
	kubeadm(host, 'exit 1');
	for (let attempt = 0; attempt < 2; attempt++) await t.throwsAsync(host.call(), {code: 'ERR_KUBEADM'});
	t.notRegex(host.calls()[1] ?? '', /Port-6443/);
});

test('a host that is a node already is not made into another', async t => {
	const host = play(t);
	kubeadm(host, ends);
	await host.call();
	const error = await t.throwsAsync<HostError>(host.call(other), {code: 'ERR_KUBEADM'});
	t.regex(error?.hint ?? '', /sealimage delete/);
	t.is(host.calls().length, 1);
});

test('a host that was reset is made into a node again', async t => {
	const host = play(t);
	kubeadm(host, ends);
	await host.call();
	for (const path of ['etc/kubernetes/kubelet.conf', 'var/lib/kubelet/config.yaml']) host.remove(path);
	await host.call();
	t.is(host.calls().length, 2);
});

test('a refusal is told as kubeadm names it, a failure with the words of the kubelet', async t => {
	const host = play(t);
	kubeadm(
		host,
		`cat >&2 <<'end'
error execution phase preflight: [preflight] Some fatal errors occurred:
	[ERROR Port-6443]: Port 6443 is in use
	[ERROR Swap]: running with swap on is not supported
[preflight] If you know what you are doing, you can make a check non-fatal
end
exit 1`,
	);
	const refused = await t.throwsAsync<HostError>(host.call(), {code: 'ERR_KUBEADM'});
	t.is(
		refused?.message,
		'kubeadm init refuses the host: Port-6443: Port 6443 is in use; Swap: running with swap on is not supported',
	);
	host.write('var/log/pods/kube-system_etcd-m1_1/etcd/0.log', 'F panic: disk\n');
	kubeadm(
		host,
		`echo "error execution phase wait-control-plane: couldn't initialize a Kubernetes cluster" >&2; exit 1`,
	);
	const failed = await t.throwsAsync<HostError>(host.call(), {code: 'ERR_KUBEADM'});
	t.regex(failed?.message ?? '', /couldn't initialize a Kubernetes cluster; the kubelet says: .*no sandbox image/);
	t.like(failed?.details, {host: 'm1', code: 1, pods: {etcd: ['F panic: disk']}});
});

test('an abort stops kubeadm, and the next call begins anew', async t => {
	const host = play(t);
	kubeadm(host, 'echo begun; exec sleep 60');
	const setting = settingOf(1, 0);
	const {run} = playRun(setting);
	const stop = new AbortController();
	const onEvent = (event: SealEvent): void => {
		if (event.type === 'command.output' && event.text === 'begun\n') stop.abort(new Error('Ctrl-C'));
	};
	const runHost = {...run.hosts.get('m1')!, transport: host.transport};
	const call = {verb: 'init', id: 'i', documents: [], digest, ignored: {always: ['a'], again: ['b']}} as const;
	await t.throwsAsync(runKubeadm(run, runHost, call, {signal: stop.signal, onEvent}), {message: 'Ctrl-C'});
	kubeadm(host, ends);
	await host.call();
	t.is(host.read(`${work}/kubeadm.done`), digest);
});
