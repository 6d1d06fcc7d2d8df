import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {openProbePorts, portsBeside} from '../../lib/lb/probe-ports.js';
import {tempDir} from '../helpers/temp-dir.js';

const beside = test.macro<[string, string, readonly [number, number] | undefined]>({
	exec(t, _, range, expected) {
		const first = portsBeside(range, () => 0)();
		t.is(first, expected?.[0]);
		if (first === undefined || expected === undefined) return;
		const all = portsBeside(range, () => 0);
		const given = Array.from({length: expected[1] - expected[0] + 1}, all);
		t.deepEqual([given.at(-1), new Set(given).size], [expected[1], given.length]);
		t.is(all(), first, 'and from the beginning again');
		t.is(portsBeside(range, () => 0.999_999)(), expected[1]);
	},
	title: (_, what) => `ports of probes: ${what}`,
});
test(beside, 'above those that the kernel gives', '32768\t60999\n', [61_000, 65_535]);
test(
	beside,
	'below them where there is no room above, and below those of services',
	'32768\t65535\n',
	[29_488, 29_999],
);
test(beside, 'below them where they begin early', '15000\t65535\n', [14_488, 14_999]);
test(beside, 'none below the unprivileged ones', '1100\t65535\n', undefined);
test(beside, 'few are enough', '1280\t65535\n', [1024, 1279]);
test(beside, 'none where the kernel gives them all', '1024\t65535\n', undefined);
test(beside, 'none where nothing is known', '', undefined);
test(beside, 'none where it makes no sense', '60999\t32768\n', undefined);

test("they come from the kernel's own range, and a system without one is none to stumble over", async t => {
	const root = tempDir(t);
	t.is((await openProbePorts(root))(), undefined);
	mkdirSync(join(root, 'proc/sys/net/ipv4'), {recursive: true});
	writeFileSync(join(root, 'proc/sys/net/ipv4/ip_local_port_range'), '32768\t60999\n');
	t.is((await openProbePorts(root, () => 0))(), 61_000);
});
