import test from 'ava';
import {compareVersions} from '../../lib/core/version-order.js';

const orders = test.macro({
	exec(t, ...sorted: string[]) {
		for (const given of [sorted.toReversed(), [...sorted.slice(1), sorted[0]!]])
			t.deepEqual(given.toSorted(compareVersions), sorted);
	},
	title: (_given, ...sorted: string[]) => `${sorted.join(' < ')}`,
});

test(orders, '1.2', '1.10', '2');
test(orders, 'v1.30.0-alpha.1', 'v1.30.0-rc.2', 'v1.30.0-rc.10', 'v1.30.0', 'v1.30.1');
test(orders, 'edge', 'latest', '3.9', '3.10');
test(orders, '7', '7.0', '7.0.1');
test(orders, '7-alpine3.9', '7-alpine3.20', '7');
test(orders, '20240131', '20241231', '99999999999999999998', '99999999999999999999');
test(orders, '1.0.0-1', '1.0.0-alpha');
