import test from 'ava';
import {findIdRange, mapsId} from '../../../lib/sealfile/run/id-map.js';

const subuid = 'root:100000:65536\nann:165536:65536\nbroken:x:1\nempty:5:0\n1234:300000:1000\nann:1:1\n';

test('the first range of a user is found by name or by number', t => {
	t.deepEqual(findIdRange(subuid, 'ann', 1000), {start: 165536, count: 65536});
	t.deepEqual(findIdRange(subuid, 'bob', 1234), {start: 300000, count: 1000});
});

test('a user without a usable range has none', t => {
	t.is(findIdRange(subuid, 'bob', 1), undefined);
	t.is(findIdRange(subuid, 'broken', 1), undefined);
	t.is(findIdRange(subuid, 'empty', 1), undefined);
});

test('a map says which ids exist in its namespace', t => {
	const map = '         0       1001          1\n         1     100000      65536\n';
	t.deepEqual(
		[0, 1, 65536, 65537].map(id => mapsId(map, id)),
		[true, true, true, false],
	);
	t.true(mapsId(undefined, 70000));
});
