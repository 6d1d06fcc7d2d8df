import {mkdirSync, rmSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {Secret} from '../../../lib/core/secret.js';
import type {HostOutcome} from '../../../lib/runtime/host/each.js';
import type {HostTarget} from '../../../lib/runtime/host/target.js';
import {type MirrorConfig, parseMirrorConfig} from '../../../lib/runtime/mirror/config.js';
import {installMirrors, type MirrorChanges, removeMirrors} from '../../../lib/runtime/mirror/install.js';
import {places} from '../../../lib/runtime/mirror/places.js';
import {mirrorStatus} from '../../../lib/runtime/mirror/status.js';
import {leafProblem} from '../../../lib/runtime/pki/judge.js';
import type {Transport} from '../../../lib/runtime/transport/transport.js';
import {type RootHost, rootHost} from '../../helpers/mirror-root.js';

const now = new Date('2026-11-21T18:00:00Z');
const node = {name: 'n1', address: '10.0.0.11', roles: ['node']} as const;
const withFolder = '[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/etc/containerd/certs.d"\n';

type Outcomes = readonly HostOutcome<MirrorChanges>[];

function ways(hosts: readonly RootHost[]) {
	const of = ({name}: HostTarget): RootHost | undefined => hosts.find(({target}) => target.name === name);
	return {
		targets: hosts.map(({target}) => target),
		open: (target: HostTarget): Transport => ({...of(target)!.transport, close: () => Promise.resolve()}),
		rootOf: (target: HostTarget): string | undefined => of(target)?.root,
	};
}

async function install(hosts: readonly RootHost[], more: object = {}): Promise<Outcomes> {
	const {targets, open, rootOf} = ways(hosts);
	return await installMirrors(targets, open, {now, rootOf, ...more});
}

async function remove(hosts: readonly RootHost[], more: object = {}): Promise<Outcomes> {
	const {targets, open, rootOf} = ways(hosts);
	return await removeMirrors(targets, open, {rootOf, ...more});
}

function changes(outcomes: Outcomes): unknown[] {
	return outcomes.map(outcome => (outcome.ok ? outcome.value.changes : outcome.error));
}

function codes(outcomes: Outcomes): unknown[] {
	return outcomes.map(outcome => outcome.ok || (outcome.error as {code: string}).code);
}

function configOf(host: RootHost): MirrorConfig {
	return parseMirrorConfig(host.read(places.config) ?? '', 'it');
}

const inShell = test.macro(async (t, shell: readonly string[]) => {
	const host = rootHost(t, {shell, containerd: withFolder});
	const [first] = await install([host]);
	t.deepEqual(first?.ok === true && first.value.findings, []);
	const orders = ['daemon-reload', 'enable sealimage-registry.service', 'restart sealimage-registry.service'];
	t.deepEqual(host.systemctl(), orders);
	t.deepEqual(changes(await install([host])), [[]], 'a second run changes nothing');
	t.is(host.systemctl().length, 3);
	for (const path of [places.authorityKey, places.key, places.htpasswd, places.login]) {
		t.is(statSync(join(host.root, path)).mode & 0o777, 0o600, path);
	}
	t.deepEqual(codes(await remove([host])), [true]);
	const all = Object.values(places).filter(path => path !== places.agent);
	t.deepEqual(
		all.filter(path => host.read(path) !== undefined),
		[],
	);
	t.is(statSync(join(host.root, 'etc/sealimage'), {throwIfNoEntry: false}), undefined);
	t.deepEqual(changes(await remove([host])), [[]]);
});

test('a master is made, left alone and taken back (sh)', inShell, ['sh']);
test('a master is made, left alone and taken back (bash)', inShell, ['bash']);

test('masters and nodes belong together', async t => {
	const masters = ['1', '2', '3'].map(n => rootHost(t, {name: `m${n}`, address: `10.0.0.${n}`}));
	const one = rootHost(t, node);
	await install([...masters, one]);
	const [m1] = masters;
	t.like(configOf(m1!), {prefer: 'local', network: {address: '10.0.0.1', port: 5443}});
	t.deepEqual([...configOf(m1!).upstreams].toSorted(), ['https://10.0.0.2:5443', 'https://10.0.0.3:5443']);
	t.is(configOf(one).network, undefined);
	t.is(configOf(one).prefer, 'upstream');
	t.is(configOf(one).upstreams.length, 3);
	for (const path of [places.authority, places.login]) {
		t.is(new Set([...masters, one].map(host => host.read(path))).size, 1, path);
	}
	t.is(new Set(masters.map(host => host.read(places.htpasswd))).size, 1);
	for (const path of [places.authorityKey, places.key, places.htpasswd]) t.is(one.read(path), undefined, path);
	const pair = {certPem: m1?.read(places.certificate) ?? '', keyPem: new Secret(m1?.read(places.key) ?? '')};
	const alternativeNames = ['10.0.0.1', 'm1', 'localhost', '127.0.0.1'];
	t.is(leafProblem(pair, {authorityPem: m1?.read(places.authority) ?? '', alternativeNames, now}), undefined);
});

test('a host that is added later gets what the others have, and they keep it', async t => {
	const first = rootHost(t);
	await install([first]);
	const before = [places.authority, places.login, places.htpasswd, places.key].map(first.read);
	const second = rootHost(t, {name: 'm2', address: '10.0.0.2'});
	await install([second, first]);
	t.deepEqual([places.authority, places.login, places.htpasswd, places.key].map(first.read), before);
	t.is(second.read(places.authorityKey), first.read(places.authorityKey));
	t.deepEqual(configOf(first).upstreams, ['https://10.0.0.2:5443']);
});

test('a node is believed nothing: it cannot bring in an authority or a login', async t => {
	const stranger = rootHost(t, {name: 'x', address: '10.0.0.9'});
	await install([stranger]);
	const bad = {...stranger, target: {...stranger.target, roles: ['node']}};
	const master = rootHost(t);
	await install([master, bad]);
	t.is(stranger.read(places.authority), master.read(places.authority));
	t.is(stranger.read(places.login), master.read(places.login));
	t.is(stranger.read(places.authorityKey), undefined, 'what only masters have goes');
});

test('nothing but the authority itself goes from a master to the others', async t => {
	const [one, two] = [rootHost(t), rootHost(t, {name: 'm2', address: '10.0.0.2'})];
	await install([one]);
	const own = one.read(places.authority) ?? '';
	await install([two]);
	one.write(places.authority, `${own}${two.read(places.authority)}`);
	const added = rootHost(t, node);
	await install([one, added]);
	t.is(added.read(places.authority), own);
	t.is(one.read(places.authority), own);
});

test('masters of two clusters are not mixed up', async t => {
	const [one, two] = [rootHost(t), rootHost(t, {name: 'm2', address: '10.0.0.2'})];
	await install([one]);
	await install([two]);
	await t.throwsAsync(install([one, two]), {code: 'ERR_MIRROR_CONFLICT', message: /m1 and m2/});
});

test('what was damaged is mended, and only that', async t => {
	const host = rootHost(t);
	await install([host]);
	const key = host.read(places.key);
	host.write(places.unit, 'nonsense');
	t.deepEqual(changes(await install([host])), [
		[`write ${places.unit}`, 'let systemd read its units again', 'restart sealimage-registry.service'],
	]);
	t.is(host.read(places.key), key);
	host.write(places.certificate, 'nonsense');
	await install([host]);
	t.not(host.read(places.key), key, 'a certificate that cannot be read is issued anew');
	host.write(places.htpasswd, 'sealimage:$2b$10$broken\n');
	await install([host]);
	t.regex(host.read(places.htpasswd) ?? '', /^sealimage:\$2[aby]\$10\$.{53}\n$/);
});

test('a dry run tells and changes nothing, and shows no secret', async t => {
	const host = rootHost(t);
	const outcomes = await install([host], {dryRun: true});
	const [outcome] = outcomes;
	t.true(outcome?.ok && outcome.value.changes.includes(`write ${places.key}`));
	t.false(JSON.stringify(outcomes).includes('PRIVATE'));
	t.is(host.read(places.config), undefined);
	t.deepEqual(host.systemctl(), []);
});

test('hosts.toml of others stays, and comes back when the registry goes', async t => {
	const host = rootHost(t);
	const theirs = 'server = "https://proxy.example"\n\n[host."https://proxy.example"]\n';
	host.write(places.hostsToml, theirs);
	await install([host]);
	t.regex(host.read(places.hostsToml) ?? '', /127\.0\.0\.1:5443[\s\S]*proxy\.example/);
	await remove([host]);
	t.is(host.read(places.hostsToml), theirs);
});

test('a hosts.toml that cannot take another host fails its host alone', async t => {
	const [master, broken] = [rootHost(t), rootHost(t, node)];
	broken.write(places.hostsToml, 'nonsense');
	const linked = rootHost(t, {...node, name: 'n2'});
	mkdirSync(join(linked.root, 'etc/containerd/certs.d/_default'), {recursive: true});
	symlinkSync('/nowhere', join(linked.root, places.hostsToml));
	const outcomes = await install([master, broken, linked]);
	t.deepEqual(codes(outcomes), [true, 'ERR_CONTAINERD_HOSTS', 'ERR_CONTAINERD_HOSTS']);
	t.is(broken.read(places.config), undefined, 'nothing is half done');
});

test('hosts without an agent or without systemd say so', async t => {
	const hosts = [rootHost(t), rootHost(t, {...node, agent: false}), rootHost(t, {...node, name: 'n2', systemd: false})];
	const outcomes = await install(hosts);
	t.deepEqual(codes(outcomes), [true, 'ERR_AGENT_MISSING', 'ERR_MIRROR_INSTALL']);
});

test('a step that fails is named with what the host says, and the next run goes on', async t => {
	const host = rootHost(t);
	writeFileSync(join(host.root, '../broken'), '');
	const outcomes = await install([host]);
	const [outcome] = outcomes;
	t.like(outcome?.ok === false && outcome.error, {
		code: 'ERR_MIRROR_INSTALL',
		message: 'It failed to restart sealimage-registry.service: the journal says why',
	});
	rmSync(join(host.root, '../broken'));
	t.deepEqual(
		changes(await install([host])),
		[['restart sealimage-registry.service', `write ${places.hostsToml}`]],
		'containerd is pointed at a registry that runs',
	);
});

test('containerd that does not look at certs.d, or has folders of its own, is told of', async t => {
	const host = rootHost(t, {containerd: '[plugins]\n'});
	host.write('/etc/containerd/certs.d/docker.io/hosts.toml', '');
	const [outcome] = await install([host]);
	const findings = outcome?.ok === true ? outcome.value.findings : [];
	t.deepEqual(
		findings.map(({id}) => id),
		['containerd-config-path', 'containerd-own-hosts'],
	);
	t.regex(findings[1]?.what ?? '', /docker\.io/);
});

test('a master behind a forwarded port is reached under its own address, or the one that is given', async t => {
	const host = rootHost(t, {name: 'm1', address: '10.0.0.7'});
	const behind = {...host, target: {...host.target, address: 'gateway.example'}};
	await install([behind]);
	t.is(configOf(host).network?.address, '10.0.0.7');
	await install([behind], {addresses: new Map([['m1', '192.0.2.7']])});
	t.is(configOf(host).network?.address, '192.0.2.7');
});

test('without a master there is nothing to ask for', async t => {
	await t.throwsAsync(install([rootHost(t, node)]), {code: 'ERR_HOSTS_MISSING'});
});

test('a host that babbles is refused', async t => {
	const host = rootHost(t);
	const babble = rootHost(t, {...node, shell: ['sh', '-c', 'echo hello; exit 0', 'sh']});
	const outcomes = await install([host, babble]);
	t.like(outcomes[1]?.ok === false && outcomes[1].error, {code: 'ERR_MIRROR_STATE'});
	const first = rootHost(t, {shell: ['sh', '-c', 'printf "file /etc/shadow 600 eA==\\nend\\n"', 'sh']});
	await t.throwsAsync(install([first]), {code: 'ERR_MIRROR_STATE'}, 'a master that cannot be looked at stops all');
});

test('purging takes the content, too', async t => {
	const host = rootHost(t);
	await install([host]);
	host.write(`${places.content}/docker/registry/v2/x`, 'x');
	await remove([host]);
	t.is(host.read(`${places.content}/docker/registry/v2/x`), 'x');
	await remove([host], {purge: true});
	t.is(host.read(`${places.content}/docker/registry/v2/x`), undefined);
	t.deepEqual(changes(await remove([host], {purge: true})), [[]]);
});

test('the status of a host says what its registry says', async t => {
	const host = rootHost(t, {containerd: '[plugins]\n'});
	t.deepEqual(await mirrorStatus(host.transport, {root: host.root}), {part: 'none', service: 'inactive'});
	await install([host]);
	const answer = {loopback: {url: 'http://127.0.0.1:5443', ok: false, why: 'it \u001b[31mfails'}, upstreams: []};
	const agent = (text: string): void => {
		rmSync(join(host.root, places.agent));
		writeFileSync(join(host.root, places.agent), `#!/bin/sh\ncat <<'end'\n${text}\nend\n`, {mode: 0o755});
	};
	agent(JSON.stringify(answer));
	const direct = {...host.transport, spawn: rawSpawn(host)};
	t.like(await mirrorStatus(direct, {root: host.root}), {
		part: 'serves',
		service: 'active',
		health: {loopback: {ok: false, why: 'it  [31mfails'}},
		containerd: 'config_path is not set to /etc/containerd/certs.d',
	});
	agent('nonsense');
	await t.throwsAsync(mirrorStatus(direct, {root: host.root}), {code: 'ERR_MIRROR_STATE'});
});

/** The shell of the helper runs scripts; the agent is a program of its own. */
function rawSpawn({transport}: RootHost): RootHost['transport']['spawn'] {
	return (argv, options) => transport.spawn(argv[0] === 'sh' ? argv : ['sh', '-c', '"$@"', 'sh', ...argv], options);
}
