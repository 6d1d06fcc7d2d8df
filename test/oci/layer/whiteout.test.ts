import test from 'ava';
import {compareLayerPaths, removalOf} from '../../../lib/oci/layer/whiteout.js';

test('whiteouts are told from other names', t => {
	t.deepEqual(removalOf('a/.wh.b'), {kind: 'name', path: 'a/b'});
	t.deepEqual(removalOf('.wh.b'), {kind: 'name', path: 'b'});
	t.deepEqual(removalOf('a/.wh..wh..opq'), {kind: 'opaque', folder: 'a'});
	t.deepEqual(removalOf('.wh..wh..opq'), {kind: 'opaque', folder: ''});
	t.is(removalOf('a.wh.b'), undefined);
	t.is(removalOf('.wh.a/b'), undefined);
	t.is(removalOf(''), undefined);
});

test('in a layer whiteouts come before what lies beside them', t => {
	const sorted = ['', '.wh.z', '!a', '.a', 'a', 'a/.wh..wh..opq', 'a/.wh.x', 'a/!', 'a/b', 'a.b'];
	t.deepEqual(sorted.toReversed().toSorted(compareLayerPaths), sorted);
});
