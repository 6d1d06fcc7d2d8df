import test from 'ava';
import {certificates} from '../../../lib/runtime/control/certificates.js';
import {certificatesDigest} from '../../../lib/runtime/control/describe.js';
import type {ClusterSetting} from '../../../lib/runtime/lifecycle/setting.js';
import type {FakeCall, FakeHost} from '../../../lib/runtime/transport/fake/host.js';
import {actionOf, type PlayedRun, playRun, settingOf} from '../../helpers/control-run.js';

/** What came to hosts over stdin. */
const written = new WeakMap<FakeHost, string>();

/** Lets a fake host keep the files that scripts for certificates read and write. */
function keepFiles(host: FakeHost): void {
	host.on('sh', async (call: FakeCall) => {
		const [, , , , verb, , , ...paths] = call.argv;
		const input = (await call.readInput()).toString();
		written.set(host, `${written.get(host) ?? ''}${input}`);
		if (verb === 'write') {
			for (const line of input.split('\n').filter(text => text.includes(' '))) {
				const [mode = '', path = '', content = ''] = line.split(' ');
				host.files.set(path, {content: Buffer.from(content, 'base64'), mode: Number.parseInt(mode, 8)});
			}
			return '';
		}
		const lines = paths.flatMap(path => {
			const content = host.files.read(path);
			return content === undefined ? [] : [`file ${path} ${content.toString('base64')}`];
		});
		return `${[...lines, 'end'].join('\n')}\n`;
	});
}

function play(setting: ClusterSetting, before?: PlayedRun, states?: Parameters<typeof playRun>[1]): PlayedRun {
	const played = playRun(setting, {...(before === undefined ? {} : {hosts: before.hosts}), ...states});
	if (before === undefined) for (const host of played.hosts.values()) keepFiles(host);
	return played;
}

async function certify({run, options}: PlayedRun, ...names: readonly string[]): Promise<void> {
	await Promise.all(
		names.map(name => {
			const host = run.hosts.get(name)!;
			return certificates(run, actionOf('certificates', {from: certificatesDigest(run.setting, host)}, name), options);
		}),
	);
}

function text({hosts}: PlayedRun, name: string, path: string): string {
	return hosts.get(name)?.files.read(path)?.toString() ?? '';
}

const ca = '/etc/kubernetes/pki/ca.crt';
const setting = settingOf(3, 2);

test('all hosts of one run get one authority, however many ask at once', async t => {
	const played = play(setting);
	await certify(played, 'm1', 'm2', 'm3', 'w1', 'w2');
	t.regex(text(played, 'm1', ca), /BEGIN CERTIFICATE/);
	for (const name of ['m2', 'm3', 'w1', 'w2']) t.is(text(played, name, ca), text(played, 'm1', ca), name);
	t.is(text(played, 'm2', '/etc/kubernetes/pki/sa.key'), text(played, 'm1', '/etc/kubernetes/pki/sa.key'));
	t.not(
		text(played, 'm2', '/etc/kubernetes/pki/apiserver.crt'),
		text(played, 'm1', '/etc/kubernetes/pki/apiserver.crt'),
	);
});

test('a worker gets no key of an authority, of etcd or of service accounts', async t => {
	const played = play(setting);
	await certify(played, 'm1', 'w1');
	const input = written.get(played.hosts.get('w1')!) ?? '';
	t.not(input, '');
	const secrets = ['ca.key', 'etcd/ca.key', 'front-proxy-ca.key', 'sa.key'].map(name =>
		text(played, 'm1', `/etc/kubernetes/pki/${name}`),
	);
	for (const secret of secrets) {
		t.not(secret, '');
		t.false(input.includes(Buffer.from(secret).toString('base64')));
	}
	t.is(text(played, 'w1', '/etc/kubernetes/admin.conf'), '');
	t.regex(text(played, 'w1', '/etc/kubernetes/kubelet.conf'), /server: https:\/\/10\.103\.97\.2:6443/);
});

test('a run that died keeps its authorities, and a second one writes nothing', async t => {
	const first = play(setting);
	await certify(first, 'm1');
	const second = play(setting, first);
	await certify(second, 'm2', 'w1');
	t.is(text(second, 'm2', ca), text(first, 'm1', ca));
	const writes = (): number =>
		[...second.hosts.values()].flatMap(host => host.calls).filter(call => call.argv[4] === 'write').length;
	const before = writes();
	await certify(play(setting, first), 'm1', 'm2', 'w1');
	t.is(writes(), before);
});

test('a master that is off stops nothing while another has the authorities', async t => {
	const first = play(setting);
	await certify(first, 'm1', 'm2');
	first.hosts.get('m1')?.down();
	const second = play(setting, first);
	await certify(second, 'm3', 'w1');
	t.is(text(second, 'w1', ca), text(first, 'm2', ca));
});

test('no new authority is made while a master that may have one is off', async t => {
	const played = play(setting);
	played.hosts.get('m2')?.down();
	await t.throwsAsync(certify(played, 'm1'), {code: 'ERR_HOST_UNREACHABLE'});
	t.is(text(played, 'm1', ca), '');
	played.hosts.get('m2')?.up();
	await certify(played, 'm1');
	t.regex(text(played, 'm1', ca), /BEGIN CERTIFICATE/, 'the same run asks again');
});

test('a cluster whose authorities are lost gets no others', async t => {
	const played = play(setting, undefined, {states: {m1: {hasEtcdData: true}}});
	const error = await t.throwsAsync(certify(played, 'm1'), {code: 'ERR_PKI_AUTHORITY'});
	t.regex(error?.message ?? '', /m1 has data of etcd/);
});

test('an authority that somebody put on a master is the one of the cluster', async t => {
	const theirs = play(setting);
	await certify(theirs, 'm1');
	const played = play(setting);
	for (const end of ['crt', 'key'])
		played.hosts
			.get('m2')!
			.files.set(`/etc/kubernetes/pki/ca.${end}`, text(theirs, 'm1', `/etc/kubernetes/pki/ca.${end}`));
	await certify(played, 'm1', 'm2');
	t.is(text(played, 'm1', ca), text(theirs, 'm1', ca));
});

test('what was made is told, without what is in it', async t => {
	const played = play(setting);
	await certify(played, 'm1');
	const said = played.events.flatMap(event => (event.type === 'command.output' ? [event.text] : [])).join('');
	t.regex(said, /made kubernetes\n[\s\S]*made apiserver\n/);
	t.notRegex(JSON.stringify(played.events), /BEGIN|PRIVATE/);
});
