import test from 'ava';
import {securityProbe} from '../../../../lib/runtime/facts/probes/security.js';
import {defaultWanted} from '../../../../lib/runtime/facts/wanted.js';
import {answersOf} from '../../../helpers/answers.js';

const reads = test.macro({
	exec: (t, expected: object, ...lines: readonly string[]) => {
		t.like(securityProbe.read(answersOf(...lines), defaultWanted), expected);
	},
	title: (title = '') => title,
});

const drop = 'nft type filter hook input priority filter; policy drop;';

test('a host without any of it', reads, {selinux: 'absent', apparmor: false, firewalls: []});
test(
	'SELinux that was switched off at boot',
	reads,
	{selinux: 'disabled', selinuxConfigured: 'disabled'},
	'/etc/selinux/config:SELINUX=disabled',
);
test(
	'SELinux that only warns until the next start',
	reads,
	{selinux: 'permissive', selinuxConfigured: 'enforcing'},
	'/sys/fs/selinux/enforce:0',
	'/etc/selinux/config:SELINUX=enforcing',
);
test('rules of nftables that drop by default', reads, {firewalls: ['nftables']}, drop);
test(
	'rules of nftables that accept by default are no firewall',
	reads,
	{firewalls: []},
	drop.replace('drop', 'accept'),
);
test('ufw, whose rules are in nftables', reads, {firewalls: ['ufw']}, '/etc/ufw/ufw.conf:ENABLED=yes', drop);
test('iptables of the old kind that drop by default', reads, {firewalls: ['iptables']}, 'legacy :INPUT DROP [0:0]');
test('iptables that are started with the host', reads, {firewalls: ['iptables']}, 'filter iptables');
