import test from 'ava';
import fc from 'fast-check';
import {addressBytes} from '../../../lib/core/ip-address.js';
import {attribute, nested, netUint16, readAttributes, readText} from '../../../lib/lb/netlink/attributes.js';
import {KernelError} from '../../../lib/lb/netlink/request.js';
import type {Netfilter, NetfilterRequest} from '../../../lib/lb/nftables/connection.js';
import {ensureMasquerade, hasMasquerade} from '../../../lib/lb/nftables/masquerade.js';
import {openNftablesForm} from '../../../lib/lb/nftables/table.js';
import type {Operation} from '../../../lib/lb/reconcile.js';
import type {Member} from '../../../lib/lb/spec.js';

const spec = {address: '10.103.97.2', port: 6443, scheduler: 'rr'} as const;
const [a, b] = [
	{address: '10.0.0.1', port: 6443},
	{address: '10.0.0.2', port: 7443},
] as const;
const GET_ELEMENTS = 13;
const NEW_ELEMENTS = 12;

/** A model of nf_tables that keeps the elements of sets, as far as the balancer reads them back. */
function nftables(): Netfilter & {readonly sets: Map<string, Buffer>; readonly commits: NetfilterRequest[][]} {
	const sets = new Map<string, Buffer>();
	const commits: NetfilterRequest[][] = [];
	return {
		sets,
		commits,
		call(_, {command, attributes}) {
			if (command !== GET_ELEMENTS) return [];
			if (commits.length === 0) throw new KernelError(2, undefined);
			const elements = sets.get(readText(readAttributes(Buffer.concat(attributes)), 2));
			return elements === undefined ? [] : [elements];
		},
		commit(requests) {
			commits.push([...requests]);
			sets.clear();
			for (const {command, attributes} of requests) {
				const bytes = Buffer.concat(attributes);
				if (command === NEW_ELEMENTS) sets.set(readText(readAttributes(bytes), 2), bytes);
			}
		},
		close() {},
	};
}

/** Conntrack with connections from a client to members; those that are deleted are noted by the client's port. */
function conntrack(connections: readonly (readonly [number, Member])[], refuses?: number) {
	const deleted: number[] = [];
	const tuple = (type: number, from: Member, to: Member): Buffer =>
		nested(type, [
			nested(1, [attribute(1, addressBytes(from.address)), attribute(2, addressBytes(to.address))]),
			nested(2, [attribute(1, Buffer.from([6])), netUint16(2, from.port), netUint16(3, to.port)]),
		]);
	const netfilter: Netfilter = {
		call(kind, {attributes}) {
			const original = readAttributes(Buffer.concat(attributes)).get(1);
			if (kind === 'act') {
				deleted.push(readAttributes(readAttributes(original!).get(2)!).get(2)!.readUInt16BE(0));
				return [];
			}
			if (refuses !== undefined && attributes.length > 0) throw new KernelError(refuses, undefined);
			return connections.map(([port, member]) => {
				const client = {address: '10.244.0.9', port};
				const state = nested(4, [nested(1, [attribute(1, Buffer.from([3]))])]);
				return Buffer.concat([tuple(1, client, spec), tuple(2, member, client), state]);
			});
		},
		commit() {},
		close() {},
	};
	return {netfilter, deleted};
}

const put = (verb: 'add-member' | 'edit-member', member: Member, weight: number): Operation => ({
	do: verb,
	destination: {...member, forwarding: 'masquerade', weight},
});

test('what was put in is read back, with weights', async t => {
	const table = await openNftablesForm(spec, {nftables: nftables(), conntrack: conntrack([]).netfilter});
	t.deepEqual(table.read(), {service: undefined, destinations: []});
	table.apply([put('add-member', a, 1), put('add-member', b, 1)]);
	table.apply([put('edit-member', b, 0)]);
	t.deepEqual(
		table.read().destinations.map(({address, port, weight}) => [address, port, weight]),
		[
			['10.0.0.1', 6443, 1],
			['10.0.0.2', 7443, 0],
		],
	);
});

test('several operations are one change of the table, and none is none', async t => {
	const model = nftables();
	const table = await openNftablesForm(spec, {nftables: model, conntrack: conntrack([]).netfilter});
	table.apply([put('add-member', a, 1), put('add-member', b, 1), {do: 'delete-member', member: a}]);
	table.apply([]);
	t.is(model.commits.length, 1);
});

test('connections of a member that drains are counted; those of one that is deleted are forgotten, and no others', async t => {
	const tracked = conntrack([
		[1001, a],
		[1002, b],
		[1003, b],
	]);
	const table = await openNftablesForm(spec, {nftables: nftables(), conntrack: tracked.netfilter});
	table.apply([put('add-member', a, 1), put('add-member', b, 0)]);
	t.deepEqual(
		table.read().destinations.map(({activeConnections}) => activeConnections),
		[1, 2],
	);
	table.apply([{do: 'delete-member', member: b}]);
	t.deepEqual(tracked.deleted, [1002, 1003]);
});

test('a kernel that cannot filter tells all connections, and ours are found among them', async t => {
	const tracked = conntrack([[1001, a]], 22);
	const table = await openNftablesForm(spec, {nftables: nftables(), conntrack: tracked.netfilter});
	table.apply([put('add-member', a, 1)]);
	table.apply([{do: 'delete-member', member: a}]);
	t.deepEqual(tracked.deleted, [1001]);
});

const refused = test.macro<[number, string, RegExp]>({
	async exec(t, errno, code, message) {
		const refuses: Netfilter = {
			...nftables(),
			commit() {
				throw new KernelError(errno, undefined);
			},
		};
		const table = await openNftablesForm(spec, {nftables: refuses, conntrack: conntrack([]).netfilter});
		t.throws(() => table.apply([put('add-member', a, 1)]), {code, message});
	},
	title: (_, errno) => `errno ${errno} has a code and a sentence`,
});
test(refused, 1, 'ERR_LB_DENIED', /^Cannot balance 10\.103\.97\.2:6443 by nftables: it is not allowed$/);
test(refused, 95, 'ERR_NFTABLES', /^Cannot balance 10\.103\.97\.2:6443 by nftables: the kernel says EOPNOTSUPP$/);

test('the rules are written as nft writes them: "tcp" and the original destination, then masquerade', t => {
	const model = nftables();
	t.true(ensureMasquerade(model, spec));
	const rule = model.commits[0]?.find(({command}) => command === 6);
	const expressions =
		readAttributes(Buffer.concat(rule?.attributes ?? []))
			.get(4)
			?.toString('latin1') ?? '';
	t.deepEqual(expressions.match(/meta|cmp|ct\0|masq/g), ['meta', 'cmp', 'ct\0', 'cmp', 'ct\0', 'cmp', 'masq']);
	t.true(expressions.includes(Buffer.from([10, 103, 97, 2]).toString('latin1')));
});

test('any answer about rules, elements and connections is read or refused', async t => {
	await fc.assert(
		fc.asyncProperty(fc.uint8Array({maxLength: 120}), async bytes => {
			const liar: Netfilter = {call: () => [Buffer.from(bytes)], commit() {}, close() {}};
			const table = await openNftablesForm(spec, {nftables: liar, conntrack: liar});
			const member = await openNftablesForm(spec, {nftables: nftables(), conntrack: liar});
			const asks = [
				() => hasMasquerade(liar, spec),
				() => table.read(),
				() => member.apply([{do: 'delete-member', member: a}]),
			];
			for (const ask of asks) {
				try {
					ask();
				} catch (error) {
					t.is((error as {code?: string}).code, 'ERR_NETLINK');
				}
			}
		}),
		{numRuns: 1000},
	);
	t.pass();
});
