import test from 'ava';
import {digestOf} from '../../../lib/oci/digest.js';
import {formatLayerIndex, type LayerIndex, parseLayerIndex} from '../../../lib/oci/layer/layer-index.js';
import {header} from '../../helpers/entries.js';

const index: LayerIndex = {
	diffID: digestOf('layer'),
	sizeBytes: 12_345,
	entries: [
		{header: header('d', {type: 'directory'}), offset: 512},
		{header: header('d/caf\udce9', {size: 5, mtime: -7, mtimeNsec: 5}), offset: 1024},
		{header: header('h', {type: 'hardlink', linkname: 'd/caf\udce9'}), offset: 2048},
		{header: header('l', {type: 'symlink', linkname: '/x\n'}), offset: 2560},
		{header: header('null', {type: 'character', devmajor: 1, devminor: 3}), offset: 3072},
		{header: header('pipe', {type: 'fifo', uid: 4_294_967_294}), offset: 3584},
		{
			header: header('s', {size: 9 * 2 ** 33, xattrs: {'user.a': Buffer.from([0, 255]), 'user.b': Buffer.alloc(0)}}),
			offset: 4096,
			sparse: [0, 512],
		},
	],
};

test('an index is kept with everything in it', t => {
	t.deepEqual(parseLayerIndex(formatLayerIndex(index)), index);
	t.deepEqual(parseLayerIndex(formatLayerIndex({...index, entries: []})), {...index, entries: []});
});

const useless = test.macro({
	exec(t, bytes: Buffer) {
		t.is(parseLayerIndex(bytes), undefined);
	},
	title: (title = '') => `${title} is made again`,
});
const text = formatLayerIndex(index).toString();
test('an index of another version', useless, Buffer.from(text.replace('[1,', '[0,')));
test('an index that is cut off', useless, Buffer.from(text.slice(0, -20)));
test('an index with entries missing', useless, Buffer.from(text.replace(',7,', ',8,')));
test('an index without a digest', useless, Buffer.from(text.replace('sha256:', 'sha257:')));
test('something else', useless, Buffer.from('{}'));
test('an index with a value of another kind', useless, Buffer.from(text.replace('"pipe"', '17')));
test('an index with an unknown type', useless, Buffer.from(text.replace('"pipe",6', '"pipe",66')));
test('nothing', useless, Buffer.alloc(0));
