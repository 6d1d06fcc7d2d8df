import test from 'ava';
import fc from 'fast-check';
import {attribute, uint32} from '../../../lib/lb/netlink/attributes.js';
import {KernelError, type NetlinkConnection, type NetlinkRequest} from '../../../lib/lb/netlink/request.js';
import {openRoutes} from '../../../lib/lb/netlink/route.js';

/** A connection that notes what it is asked and answers from a list, or refuses. */
function kernel(answers: readonly Buffer[] = [], errno?: number): NetlinkConnection & {readonly asked: string[]} {
	const asked: string[] = [];
	return {
		asked,
		request({type, kind, flags = 0, payload}: NetlinkRequest) {
			asked.push(`${kind} ${type} ${flags.toString(16)} ${Buffer.from(payload).toString('hex')}`);
			if (errno !== undefined) throw new KernelError(errno, undefined);
			return [...answers];
		},
		batch() {},
		close() {},
	};
}

const route = (type: number, ...attributes: readonly Buffer[]): Buffer =>
	Buffer.concat([Buffer.from([2, 32, 0, 0, 255, 2, 254, type, 0, 0, 0, 0]), ...attributes]);
const source = attribute(7, Buffer.from([10, 0, 0, 11]));

test('a local route goes into the table local, on the loopback device, with its source and our mark', async t => {
	const connection = kernel();
	(await openRoutes(connection)).addLocal('10.103.97.2', '10.0.0.11');
	const header = '02200000' + 'ff5efe02' + '00000000';
	const attributes = ['080001000a676102', '08000f00ff000000', '080007000a00000b', '0800040001000000'];
	t.deepEqual(connection.asked, [`act 24 500 ${header}${attributes.join('')}`]);
});

test('for IPv6 it has no scope and 128 bits', async t => {
	const connection = kernel();
	(await openRoutes(connection)).addLocal('fd00::2', 'fd00::11');
	t.regex(connection.asked[0] ?? '', /^act 24 500 0a800000ff5e0002000000001400010{1}0fd/);
});

test('only a route with our mark is deleted, and none is no failure', async t => {
	const connection = kernel();
	t.true((await openRoutes(connection)).deleteLocal('10.103.97.2'));
	t.deepEqual(connection.asked, ['act 25 0 02200000ff5efe0200000000080001000a67610208000f00ff000000']);
	t.false((await openRoutes(kernel([], 3))).deleteLocal('10.103.97.2'));
	await t.throwsAsync(async () => (await openRoutes(kernel([], 1))).deleteLocal('10.103.97.2'), {
		instanceOf: KernelError,
	});
});

test('the source to an address is what the kernel says, and undefined where no route leads', async t => {
	t.is((await openRoutes(kernel([route(1, source)]))).sourceTo('10.0.0.1'), '10.0.0.11');
	t.is((await openRoutes(kernel([route(1)]))).sourceTo('10.0.0.1'), undefined);
	for (const errno of [101, 113]) t.is((await openRoutes(kernel([], errno))).sourceTo('10.0.0.1'), undefined);
});

test('an address is local only when its route is', async t => {
	t.is((await openRoutes(kernel([route(2, source)]))).localSource('10.103.97.2'), '10.0.0.11');
	t.is((await openRoutes(kernel([route(1, source)]))).localSource('10.103.97.2'), undefined);
});

test('addresses are those of this end, of the family that was asked for', async t => {
	const address = (family: number, ...attributes: readonly Buffer[]): Buffer =>
		Buffer.concat([Buffer.from([family, 32, 0, 0, 1, 0, 0, 0]), ...attributes]);
	const [peer, own] = [attribute(1, Buffer.from([10, 0, 0, 1])), attribute(2, Buffer.from([10, 0, 0, 2]))];
	const routes = await openRoutes(
		kernel([
			address(2, peer, own),
			address(2, peer),
			address(10, attribute(1, Buffer.alloc(16))),
			address(2, uint32(9, 1)),
		]),
	);
	t.deepEqual(routes.addresses('10.9.9.9'), ['10.0.0.2', '10.0.0.1']);
});

test('any answer is read or refused', async t => {
	await fc.assert(
		fc.asyncProperty(fc.uint8Array({maxLength: 80}), async bytes => {
			const routes = await openRoutes(kernel([Buffer.from(bytes)]));
			for (const ask of [() => routes.localSource('10.0.0.1'), () => routes.addresses('10.0.0.1')]) {
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
