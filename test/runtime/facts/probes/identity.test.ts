import test from 'ava';
import {identityProbe} from '../../../../lib/runtime/facts/probes/identity.js';
import {defaultWanted} from '../../../../lib/runtime/facts/wanted.js';
import {answersOf} from '../../../helpers/answers.js';

const read = (...lines: readonly string[]): ReturnType<typeof identityProbe.read> =>
	identityProbe.read(answersOf(...lines), defaultWanted);

test('identities that are none are absent', t => {
	const uuids = [
		'00000000-0000-0000-0000-000000000000',
		'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF',
		'03000200-0400-0500-0006-000700080009',
		'Not Settable',
	];
	for (const uuid of uuids) t.is(read(`/sys/class/dmi/id/product_uuid:${uuid}`).productUuid, undefined, uuid);
	t.is(read('/etc/machine-id:uninitialized').machineId, undefined);
	t.is(read('/etc/machine-id:').machineId, undefined);
});

test('only lines of /etc/hosts with the very name count, without what is a comment', t => {
	const found = read(
		'/proc/sys/kernel/hostname:node.a',
		'/etc/hosts:10.0.0.1 nodexa node.a',
		'/etc/hosts:10.0.0.2 node-a',
		'/etc/hosts:10.0.0.3 other # node.a',
	);
	t.deepEqual(found.hostsEntries, ['10.0.0.1']);
});

test('the manager of a container says what kind it is', t => {
	t.is(read('/run/systemd/container:lxc', 'container docker').container, 'lxc');
	t.is(read('container podman').container, 'podman');
});
