import test from 'ava';
import type {ModuleState} from '../../../../lib/runtime/facts/facts.js';
import {modulesProbe} from '../../../../lib/runtime/facts/probes/modules.js';
import {defaultWanted} from '../../../../lib/runtime/facts/wanted.js';
import {answersOf} from '../../../helpers/answers.js';

const is = test.macro({
	exec: (t, module: string, state: ModuleState, ...lines: readonly string[]) => {
		t.is(modulesProbe.read(answersOf(...lines), defaultWanted).states[module], state);
	},
	title: (title = '') => title,
});

const file = '/lib/modules/6.1/modules.dep:kernel/net/netfilter/ipvs/ip_vs.ko.zst: kernel/net/nf_conntrack.ko.zst';

test('a module that is loaded is loaded', is, 'ip_vs', 'loaded', 'loaded ip_vs');
test(
	'one that is built in is loaded',
	is,
	'overlay',
	'loaded',
	'/lib/modules/6.1/modules.builtin:kernel/fs/overlayfs/overlay.ko',
);
test('a file system that the kernel knows is loaded', is, 'overlay', 'loaded', '/proc/filesystems:nodev overlay');
test(
	'the configuration of the kernel tells what is built in',
	is,
	'br_netfilter',
	'loaded',
	'/boot/config-6.1:CONFIG_BRIDGE_NETFILTER=y',
);
test('one whose file is there is loadable', is, 'ip_vs', 'loadable', 'modules here', file);
test('being needed by another is not being there', is, 'nf_conntrack', 'absent', 'modules here', file);
test(
	'a name with a hyphen is the same module',
	is,
	'br_netfilter',
	'loadable',
	'/lib/modules/6.1/modules.dep:kernel/br-netfilter.ko:',
);
test(
	'one that modprobe is told to pass over is blocked',
	is,
	'ip_vs',
	'blocked',
	file,
	'/etc/modprobe.d/cis.conf:install ip_vs /bin/false',
);
test(
	'so is every one when the kernel takes no more',
	is,
	'ip_vs',
	'blocked',
	file,
	'/proc/sys/kernel/modules_disabled:1',
);
test(
	'a blacklist keeps nobody from loading it by name',
	is,
	'ip_vs',
	'loadable',
	file,
	'/etc/modprobe.d/b.conf:blacklist ip_vs',
);
test(
	'an install line that loads it with others does not block it',
	is,
	'ip_vs',
	'loadable',
	file,
	'/etc/modprobe.d/b.conf:install ip_vs /sbin/modprobe --ignore-install ip_vs',
);
test('without the folder of modules nothing is known', is, 'ip_vs', 'unknown', '/boot/config-6.1:CONFIG_IP_VS=m');
