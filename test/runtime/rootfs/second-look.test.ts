import test from 'ava';
import {compareFacts, isComparable, leftoversIn} from '../../../lib/runtime/rootfs/second-look.js';
import {changed, soundFacts} from '../../helpers/recorded-facts.js';

test('a host that is as it was has no leftovers', t => {
	const later = changed(soundFacts, facts => {
		facts.hardware.availableBytes = 1;
		facts.clock.offsetMs = 17;
		facts.software.present.push('/opt/sealimage');
	});
	t.deepEqual(compareFacts(soundFacts, later), []);
	t.deepEqual(leftoversIn(later), []);
});

test('what runs, is there, is set or is gone is told by its name', t => {
	const later = changed(soundFacts, facts => {
		facts.software.services.push('kubelet.service');
		facts.software.present.push('/etc/kubernetes/manifests');
		facts.software.commands.kubelet = '/usr/bin/kubelet';
		facts.sysctls['net.ipv4.ip_forward'] = '7';
		facts.network.interfaces.push({name: 'kube-ipvs0', addresses: ['10.96.0.1/32'], hardware: false});
		facts.security.firewalls.push('ufw');
	});
	const shown = compareFacts(soundFacts, later).map(({what, why}) => `${what} ${why}`);
	t.deepEqual(shown, [
		'kubelet.service runs, and did not before',
		'/etc/kubernetes/manifests is there, and was not before',
		'kubelet is installed, and was not before',
		`net.ipv4.ip_forward is 7, and was ${soundFacts.sysctls['net.ipv4.ip_forward']}`,
		'kube-ipvs0 is an interface that was not there before',
		'ufw is an active firewall, and was not before',
	]);
	t.deepEqual(
		leftoversIn(later).map(({what}) => what),
		['/etc/kubernetes/manifests', 'kubelet.service', 'kube-ipvs0'],
	);
});

test('swap and services that were there before and are gone are told too', t => {
	const before = changed(soundFacts, facts => {
		facts.hardware.swaps = [{path: '/swap.img', sizeBytes: 1}];
		facts.software.services.push('containerd.service');
	});
	t.deepEqual(
		compareFacts(before, soundFacts).map(({what}) => what),
		['containerd.service', '/swap.img'],
	);
});

test('what was kept on the host is believed only when it is facts', t => {
	t.true(isComparable(JSON.parse(JSON.stringify(soundFacts))));
	for (const value of [
		undefined,
		null,
		1,
		{},
		{schema: 1},
		{...soundFacts, software: {}},
		{...soundFacts, sysctls: null},
	])
		t.false(isComparable(value));
});
