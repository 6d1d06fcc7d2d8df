import {readFileSync, writeFileSync} from 'node:fs';
import test from 'ava';
import type {ClusterSetting, SettingHost} from '../../../lib/runtime/lifecycle/setting.js';
import {type NodeWish, parseWish, type WantedFile} from '../../../lib/runtime/node/wish.js';
import {stagedFolder} from '../../../lib/runtime/rootfs/places.js';
import {kubernetesWish, wishDigest} from '../../../lib/runtime/rootfs/wish.js';
import {clusterImage, looseRootfs, master, nodeSetting, sealosRootfs, worker} from '../../helpers/node-setting.js';
import {changed, type Mutable, soundFacts} from '../../helpers/recorded-facts.js';

const staged = stagedFolder('/var/lib/sealimage', 'rootfs');
const bare = clusterImage('bare:v1', ['bin/kubelet', 'bin/kubeadm', 'cri/containerd', 'cri/runc']);

const golden = test.macro<[string, ClusterSetting, SettingHost]>({
	exec(t, name, setting, host) {
		const wish = kubernetesWish(setting, host, soundFacts);
		t.deepEqual(parseWish(JSON.parse(JSON.stringify(wish))), wish);
		const path = `test/runtime/rootfs/golden/${name}.txt`;
		const text = printed(wish);
		if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, text);
		t.is(text, readFileSync(path, 'utf8'), 'run again with UPDATE_GOLDEN=1 when the change is meant');
	},
	title: (_, name) => `what a host is made into: ${name}`,
});

test(golden, 'loose', nodeSetting([looseRootfs]), master);
test(golden, 'bare', nodeSetting([bare]), worker);
test(golden, 'bare-1.36', nodeSetting([bare], {kubernetes: 'v1.36.0', proxyMode: 'nftables'}), worker);
test(golden, 'sealos', nodeSetting([sealosRootfs], {kubernetes: 'v1.27.7'}), master);

test('a runtime in archives is left to the hook of the image, with its unit and its configuration', t => {
	const wish = kubernetesWish(nodeSetting([sealosRootfs], {kubernetes: 'v1.27.7'}), worker, soundFacts);
	const paths = wish.files.map(({path}) => path);
	t.false(paths.some(path => /containerd|crictl\.yaml|registry|shim|\.gz/.test(path)));
	t.deepEqual(
		wish.units.filter(({enabled}) => enabled).map(({name}) => name),
		['kubelet.service'],
	);
	t.false(wish.folders?.includes('/var/lib/containerd'));
	t.true(paths.includes('/usr/bin/conntrack'));
});

test('templates of an image count as the files that they become', t => {
	const wish = kubernetesWish(nodeSetting([sealosRootfs], {kubernetes: 'v1.27.7'}), worker, soundFacts);
	t.deepEqual(contentOf(wish, '/etc/systemd/system/kubelet.service'), {
		kind: 'copy',
		from: `${staged}/etc/kubelet.service`,
		mode: 0o644,
	});
	t.regex(JSON.stringify(contentOf(wish, '/etc/systemd/system/kubelet.service.d/10-kubeadm.conf')), /etc\/systemd/);
});

test('what a patch brings and what a Config makes is installed too', t => {
	const patch = clusterImage('patch:v1', ['bin/extra', 'bin/kubectl -> kubectl-1.20', 'bin/kubectl-1.20'], {
		type: 'patch',
	});
	const config = {name: '', match: '', path: 'etc/config.toml', strategy: 'override', data: 'version = 2\n'} as const;
	const setting = nodeSetting([bare, patch], {configs: [config]});
	const wish = kubernetesWish(setting, worker, soundFacts);
	const from = (path: string): unknown => (contentOf(wish, path) as {readonly from?: string}).from;
	t.is(from('/usr/bin/extra'), `${staged}/bin/extra`);
	t.is(from('/usr/bin/kubectl'), `${staged}/bin/kubectl-1.20`);
	t.is(from('/etc/containerd/config.toml'), `${staged}/etc/config.toml`);
});

test('a host that is prepared is to be made into the same', t => {
	const setting = nodeSetting([looseRootfs]);
	const before = changed(soundFacts, facts => {
		facts.sysctls = {
			...facts.sysctls,
			'fs.inotify.max_user_watches': '2000000',
			'fs.inotify.max_user_instances': '128',
		};
	});
	const wish = kubernetesWish(setting, master, before);
	t.is(wish.sysctls['fs.inotify.max_user_watches'], '2000000');
	t.is(wish.sysctls['fs.inotify.max_user_instances'], '8192');
	const after = changed(before, (facts: Mutable<typeof before>) => {
		facts.sysctls = {...facts.sysctls, ...wish.sysctls};
		facts.software.services = [...facts.software.services, 'containerd.service'];
		facts.software.commands = {...facts.software.commands, containerd: '/usr/bin/containerd'};
	});
	t.is(wishDigest(setting, master, after), wishDigest(setting, master, before));
});

test('another image with the same files is another wish, and so is another value of a variable', t => {
	const setting = nodeSetting([looseRootfs]);
	const digest = wishDigest(setting, master, soundFacts);
	const newer = {...looseRootfs, platforms: {'linux/amd64': {manifest: `sha256:${'1'.repeat(64)}` as const, bytes: 1}}};
	t.not(wishDigest(nodeSetting([newer]), master, soundFacts), digest);
	t.not(wishDigest({...setting, env: {A: 'b'}}, master, soundFacts), digest);
	t.is(wishDigest({...setting, apiNames: ['a.example']}, master, soundFacts), digest);
});

test('swap stays where the kubelet is told to bear it', t => {
	const kubelet = {apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration', failSwapOn: false};
	const wish = kubernetesWish(nodeSetting([looseRootfs], {kubeadm: [kubelet]}), master, soundFacts);
	t.false(wish.swapOff);
	t.is(contentOf(wish, '/etc/systemd/system/swap.target'), undefined);
});

test('modules that a kernel does not have are asked for only where nothing works without them', t => {
	const poor = changed(soundFacts, facts => {
		for (const name of ['ip_vs', 'ip_vs_rr', 'ip_vs_wrr', 'ip_vs_sh']) facts.kernel.modules[name] = 'absent';
	});
	const modules = (proxyMode: ClusterSetting['proxyMode']): readonly string[] =>
		kubernetesWish(nodeSetting([looseRootfs], {proxyMode}), master, poor).modules;
	t.deepEqual(modules('iptables'), ['overlay', 'br_netfilter', 'nf_conntrack']);
	t.true(modules('ipvs').includes('ip_vs'));
});

test('node ports are kept from connections of the host, beside what is kept already', t => {
	const wide = changed(soundFacts, facts => {
		facts.sysctls['net.ipv4.ip_local_port_range'] = '1024 65535';
		facts.sysctls['net.ipv4.ip_local_reserved_ports'] = '8080,32768-32770,9000';
	});
	const wish = kubernetesWish(nodeSetting([looseRootfs]), master, wide);
	t.is(wish.sysctls['net.ipv4.ip_local_reserved_ports'], '8080,9000,30000-32770');
});

const sandbox = test.macro<[Record<string, string>, Partial<ClusterSetting> & {readonly kubernetes?: string}, string]>({
	exec(t, env, change, expected) {
		const wish = kubernetesWish(nodeSetting([{...bare, env}], change), worker, soundFacts);
		const {text} = contentOf(wish, '/etc/containerd/config.toml') as {readonly text: string};
		t.true(text.includes(JSON.stringify(expected)), text);
	},
	title: (_, __, ___, expected) => `the sandbox image ${expected}`,
});

const repository = {
	apiVersion: 'kubeadm.k8s.io/v1beta3',
	kind: 'ClusterConfiguration',
	imageRepository: 'hub.example/k8s',
};
test(sandbox, {}, {}, 'k8s.gcr.io/pause:3.2');
test(sandbox, {}, {kubernetes: 'v1.31.0'}, 'registry.k8s.io/pause:3.10');
test(sandbox, {}, {kubernetes: 'v1.24.8'}, 'k8s.gcr.io/pause:3.7');
test(sandbox, {}, {kubernetes: 'v1.24.9'}, 'registry.k8s.io/pause:3.7');
test(sandbox, {sandboxImage: 'pause:3.9'}, {kubernetes: 'v1.28.0', kubeadm: [repository]}, 'hub.example/k8s/pause:3.9');
test(sandbox, {sandboxImage: 'hub.example:5000/pause:1'}, {}, 'hub.example:5000/pause:1');

function contentOf(wish: NodeWish, path: string): WantedFile['content'] | undefined {
	return wish.files.find(file => file.path === path)?.content;
}

/** For people who look at the difference. */
function printed({files, modules, sysctls, folders, units, swapOff}: NodeWish): string {
	const shown = ({path, content}: WantedFile): string => {
		switch (content.kind) {
			case 'copy':
				return `${path} <- ${content.from} ${content.mode?.toString(8) ?? ''}`;
			case 'link':
				return `${path} -> ${content.target}`;
			case 'text':
				return `${path} ${content.mode.toString(8)}\n${content.text.replaceAll(/^/gm, '\t').trimEnd()}`;
		}
	};
	return [
		...files.map(shown),
		`modules: ${modules.join(' ')}`,
		...Object.entries(sysctls).map(([name, value]) => `${name} = ${value}`),
		`swap: ${swapOff ? 'off' : 'as it is'}`,
		`folders: ${(folders ?? []).join(' ')}`,
		...units.map(unit => JSON.stringify(unit)),
		'',
	].join('\n');
}
