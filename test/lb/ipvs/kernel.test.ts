import test from 'ava';
import {openIpvs} from '../../../lib/lb/ipvs/kernel.js';
import type {Destination, VirtualService} from '../../../lib/lb/ipvs/table.js';
import {
	type Attributes,
	attribute,
	nested,
	netUint16,
	readAttributes,
	text,
	uint16,
	uint32,
} from '../../../lib/lb/netlink/attributes.js';
import type {GenericFamily} from '../../../lib/lb/netlink/generic.js';
import {KernelError} from '../../../lib/lb/netlink/request.js';

const service: VirtualService = {protocol: 'tcp', address: '10.103.97.2', port: 6443, scheduler: 'rr'};
const member: Destination = {address: '10.0.0.1', port: 6443, forwarding: 'masquerade', weight: 1};

/** A family that notes what it is asked and answers from a list, or refuses. */
function family(answers: readonly Buffer[] = [], errno?: number): GenericFamily & {readonly asked: string[]} {
	const asked: string[] = [];
	return {
		asked,
		call(kind, command, attributes): Attributes[] {
			asked.push(`${kind} ${command} ${Buffer.concat(attributes).toString('hex')}`);
			if (errno !== undefined) throw new KernelError(errno, undefined);
			return answers.map(readAttributes);
		},
		close() {},
	};
}

const key =
	'3000' +
	'0180' +
	'06000100' +
	'02000000' +
	'06000200' +
	'06000000' +
	'14000300' +
	'0a676102' +
	'00'.repeat(12) +
	'06000400' +
	'192b0000';

test('a service is named by family, protocol, address and port', async t => {
	const kernel = family();
	(await openIpvs(kernel)).deleteService(service);
	t.deepEqual(kernel.asked, [`act 3 ${key}`]);
});

test('a service is added with its scheduler, and every attribute that the kernel wants', async t => {
	const kernel = family();
	(await openIpvs(kernel)).addService(service);
	const rest =
		'07000600' + '72720000' + '0c000700' + '00000000' + 'ffffffff' + '08000800' + '00000000' + '08000900' + 'ffffffff';
	t.deepEqual(kernel.asked, [`act 1 5400${key.slice(4)}${rest}`]);
});

test('a member is added to a service with its weight', async t => {
	const kernel = family();
	(await openIpvs(kernel)).addDestination(service, member);
	const destination =
		'4800' +
		'0280' +
		'06000b00' +
		'02000000' +
		'14000100' +
		'0a000001' +
		'00'.repeat(12) +
		'06000200' +
		'192b0000' +
		['0800030000000000', '0800040001000000', '0800050000000000', '0800060000000000'].join('');
	t.deepEqual(kernel.asked, [`act 5 ${key}${destination}`]);
});

const stats = (type: number): Buffer =>
	nested(type, [
		...[1, 2, 3].map(each => uint32(each, each)),
		...[4, 5].map(each => attribute(each, Buffer.from([each, 0, 0, 0, 0, 0, 0, 1]))),
	]);

test('services and members are read, those by firewall mark are left out, old kernels have narrow counters', async t => {
	const flags = attribute(7, Buffer.from([1, 0, 0, 0, 255, 255, 255, 255]));
	const address = (bytes: readonly number[]): Buffer => attribute(3, Buffer.concat([Buffer.from(bytes)], 16));
	const own = nested(1, [
		uint16(1, 10),
		uint16(2, 6),
		address([0xfd]),
		netUint16(4, 80),
		text(6, 'wlc'),
		flags,
		uint32(8, 300),
		stats(10),
	]);
	const marked = nested(1, [uint16(1, 2), uint32(5, 7), text(6, 'rr')]);
	t.deepEqual((await openIpvs(family([own, marked]))).services(), [
		{
			protocol: 'tcp',
			address: 'fd00::',
			port: 80,
			scheduler: 'wlc',
			persistenceMs: 300_000,
			traffic: {connections: 1n, packetsIn: 2n, packetsOut: 3n, bytesIn: (1n << 56n) | 4n, bytesOut: (1n << 56n) | 5n},
		},
	]);
	const found = nested(2, [
		attribute(1, Buffer.concat([Buffer.from([10, 0, 0, 1])], 16)),
		netUint16(2, 6443),
		uint32(3, 0x100),
		uint32(4, 0),
		uint32(7, 3),
		uint32(8, 4),
		stats(10),
	]);
	t.like((await openIpvs(family([found]))).destinations(service)[0], {
		address: '10.0.0.1',
		port: 6443,
		forwarding: 'masquerade',
		weight: 0,
		activeConnections: 3,
		inactiveConnections: 4,
	});
});

test('a service that is not there is no error when it is looked for', async t => {
	t.is((await openIpvs(family([], 3))).service(service), undefined);
});

const refusals = test.macro<[number, string, RegExp]>({
	async exec(t, errno, code, message) {
		const kernel = await openIpvs(family([], errno));
		t.throws(() => kernel.addDestination(service, member), {code, message});
	},
	title: (_, errno) => `errno ${errno} has a code and a sentence`,
});
const what = 'Cannot add 10\\.0\\.0\\.1:6443 to the virtual service tcp 10\\.103\\.97\\.2:6443: ';
test(refusals, 1, 'ERR_IPVS_DENIED', new RegExp(`^${what}it is not allowed$`));
test(refusals, 2, 'ERR_IPVS_MEMBER_UNKNOWN', new RegExp(`^${what}there is no such member, or no such scheduler$`));
test(refusals, 3, 'ERR_IPVS_SERVICE_UNKNOWN', new RegExp(`^${what}there is no such virtual service$`));
test(refusals, 12, 'ERR_IPVS_REFUSED', new RegExp(`^${what}the kernel has no memory left$`));
test(refusals, 17, 'ERR_IPVS_EXISTS', new RegExp(`^${what}it is there already$`));
test(refusals, 22, 'ERR_IPVS_REFUSED', new RegExp(`^${what}the kernel finds it invalid$`));
test(refusals, 97, 'ERR_IPVS_REFUSED', new RegExp(`^${what}the kernel has IPVS without IPv6$`));
test(refusals, 99, 'ERR_IPVS_REFUSED', new RegExp(`^${what}the kernel says EADDRNOTAVAIL$`));
