import test from 'ava';
import {readText, text} from '../../../lib/lb/netlink/attributes.js';
import {openFamily} from '../../../lib/lb/netlink/generic.js';
import {decodeMessages, encodeMessage} from '../../../lib/lb/netlink/message.js';
import {connectNetlink, KernelError} from '../../../lib/lb/netlink/request.js';
import type {NetlinkSocket} from '../../../lib/lb/netlink/socket.js';

type Answer = (sequence: number) => readonly Buffer[];

/** A kernel that answers each request from a script. */
function scripted(...answers: readonly Answer[]): NetlinkSocket & {readonly sent: Buffer[]} {
	const sent: Buffer[] = [];
	const waiting: Buffer[] = [];
	return {
		sent,
		send(message) {
			const bytes = Buffer.from(message);
			const [request] = decodeMessages(bytes);
			waiting.push(...(answers[sent.length]?.(request!.sequence) ?? []));
			sent.push(bytes);
		},
		receive() {
			const next = waiting.shift();
			if (next === undefined) throw new Error('The kernel would be silent');
			return next;
		},
		close() {},
	};
}

const message = (type: number, sequence: number, payload: Uint8Array, flags = 0): Buffer =>
	encodeMessage({type, flags, sequence, payload});
const acknowledgement = (sequence: number, errno = 0, rest = Buffer.alloc(16), flags = 0): Buffer => {
	const payload = Buffer.concat([Buffer.alloc(4), rest]);
	payload.writeInt32LE(-errno, 0);
	return message(2, sequence, payload, flags);
};
const request = {type: 20, payload: Buffer.alloc(4), kind: 'get'} as const;

test('the answers before the acknowledgement are the result', t => {
	const socket = scripted(sequence => [message(20, sequence, Buffer.from('one')), acknowledgement(sequence)]);
	t.deepEqual(connectNetlink(socket).request(request).map(String), ['one']);
	t.is(decodeMessages(socket.sent[0]!)[0]!.flags, 1 | 4);
});

test('a dump goes over datagrams until the kernel says done', t => {
	const socket = scripted(sequence => [
		Buffer.concat([message(20, sequence, Buffer.from('one.'), 2), message(20, sequence, Buffer.from('two.'), 2)]),
		Buffer.concat([message(20, sequence, Buffer.from('more'), 2), message(3, sequence, Buffer.alloc(4), 2)]),
	]);
	t.deepEqual(
		connectNetlink(socket)
			.request({...request, kind: 'dump'})
			.map(String),
		['one.', 'two.', 'more'],
	);
});

test('a dump of a table that changes meanwhile is begun anew', t => {
	const socket = scripted(
		sequence => [message(20, sequence, Buffer.from('torn'), 0x12), message(3, sequence, Buffer.alloc(4))],
		sequence => [message(20, sequence, Buffer.from('whole'), 2), message(3, sequence, Buffer.alloc(4))],
	);
	t.deepEqual(
		connectNetlink(socket)
			.request({...request, kind: 'dump'})
			.map(String),
		['whole'],
	);
});

test('a table that never holds still is an error, not a loop', t => {
	const torn: Answer = sequence => [
		message(20, sequence, Buffer.from('torn'), 0x12),
		message(3, sequence, Buffer.alloc(4)),
	];
	const socket = scripted(...Array<Answer>(20).fill(torn));
	t.throws(() => connectNetlink(socket).request({...request, kind: 'dump'}), {
		code: 'ERR_NETLINK',
		message: /changed in each of 10/,
	});
});

test('answers to an earlier request are passed over', t => {
	const socket = scripted(sequence => [
		message(20, sequence - 1, Buffer.from('old')),
		message(20, sequence, Buffer.from('new')),
		acknowledgement(sequence),
	]);
	t.deepEqual(connectNetlink(socket).request(request).map(String), ['new']);
});

test('a refusal is an error with the name of its errno', t => {
	const socket = scripted(sequence => [acknowledgement(sequence, 17)]);
	const error = t.throws(() => connectNetlink(socket).request(request), {instanceOf: KernelError});
	t.is(error.errno, 'EEXIST');
});

test('what the kernel says in words is in the message, without control characters', t => {
	const words = text(1, 'bad \u001b[31mthing');
	const socket = scripted(sequence => [acknowledgement(sequence, 1, Buffer.concat([Buffer.alloc(16), words]), 0x300)]);
	const error = t.throws(() => connectNetlink(socket).request(request), {instanceOf: KernelError});
	t.is(error.message, 'The kernel refuses: EPERM (bad [31mthing)');
	t.regex(error.hint ?? '', /CAP_NET_ADMIN/);
});

test('a family is looked up by its name', async t => {
	const id = Buffer.from([6, 0, 1, 0, 33, 0, 0, 0]);
	const socket = scripted(
		sequence => [message(16, sequence, Buffer.concat([Buffer.alloc(4), id])), acknowledgement(sequence)],
		sequence => [
			message(33, sequence, Buffer.concat([Buffer.from([9, 1, 0, 0]), text(5, 'yes')])),
			acknowledgement(sequence),
		],
	);
	const family = await openFamily('TEST', 1, connectNetlink(socket));
	t.is(readText(family.call('get', 9, [])[0]!, 5), 'yes');
	t.is(decodeMessages(socket.sent[1]!)[0]!.type, 33);
});

test('a family that the kernel does not speak has an error of its own', async t => {
	const socket = scripted(sequence => [acknowledgement(sequence, 2)]);
	t.like(await t.throwsAsync(openFamily('IPVS', 1, connectNetlink(socket))), {
		code: 'ERR_NETLINK_FAMILY',
		hint: 'Load the module: modprobe ip_vs.',
	});
});

const batch = [
	{type: 16, payload: Buffer.alloc(4)},
	{type: 0xa00, payload: Buffer.alloc(5), flags: 0x400},
	{type: 0xa06, payload: Buffer.alloc(4)},
	{type: 17, payload: Buffer.alloc(4)},
];

test('a batch is one datagram of padded messages, acknowledged by the last that is no frame', t => {
	const socket = scripted(sequence => [acknowledgement(sequence + 2)]);
	connectNetlink(socket).batch(batch);
	t.deepEqual(
		decodeMessages(socket.sent[0]!).map(({type, flags}) => [type, flags]),
		[
			[16, 1],
			[0xa00, 0x401],
			[0xa06, 5],
			[17, 1],
		],
	);
});

test('the first refusal of a batch is thrown, and what the kernel says besides is passed over by the next request', t => {
	const socket = scripted(
		sequence => [acknowledgement(sequence + 1, 17), acknowledgement(sequence + 2)],
		sequence => [message(20, sequence, Buffer.from('next')), acknowledgement(sequence)],
	);
	const connection = connectNetlink(socket);
	t.is(t.throws(() => connection.batch(batch), {instanceOf: KernelError}).errno, 'EEXIST');
	t.deepEqual(connection.request(request).map(String), ['next']);
});
