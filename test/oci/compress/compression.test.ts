import test from 'ava';
import {
	type Compression,
	formatCompression,
	layerMediaType,
	parseCompression,
} from '../../../lib/oci/compress/compression.js';
import {mediaTypes} from '../../../lib/oci/media-types.js';

const parses = test.macro({
	exec(t, text: string, expected: Compression, canonical: string) {
		t.deepEqual(parseCompression(text), expected);
		t.is(formatCompression(parseCompression(text)), canonical);
	},
	title: (_, text) => `${text} is a compression`,
});
test(parses, 'none', {algorithm: 'none'}, 'none');
test(parses, 'gzip', {algorithm: 'gzip', level: 4}, 'gzip:4');
test(parses, 'gzip:6', {algorithm: 'gzip', level: 6}, 'gzip:6');
test(parses, 'gzip-stable', {algorithm: 'gzip-stable'}, 'gzip-stable');
test(parses, 'zstd', {algorithm: 'zstd', level: 3}, 'zstd:3');
test(parses, 'zstd:19', {algorithm: 'zstd', level: 19}, 'zstd:19');

const refuses = test.macro({
	exec(t, text: string) {
		t.throws(() => parseCompression(text), {code: 'ERR_COMPRESSION', message: /is not a compression/});
	},
	title: (_, text) => `${JSON.stringify(text)} is no compression`,
});
for (const text of [
	'',
	'gzip:0',
	'gzip:10',
	'zstd:20',
	'gzip:',
	'gzip:-1',
	'none:1',
	'gzip-stable:6',
	'GZIP',
	'xz',
	' gzip',
])
	test(refuses, text);

test('each compression has its media type, in both families', t => {
	t.is(layerMediaType({algorithm: 'none'}), mediaTypes.layer);
	t.is(layerMediaType({algorithm: 'gzip'}), mediaTypes.layerGzip);
	t.is(layerMediaType({algorithm: 'gzip-stable'}, 'docker'), mediaTypes.dockerLayerGzip);
	t.is(layerMediaType({algorithm: 'none'}, 'docker'), mediaTypes.dockerLayer);
	t.is(layerMediaType({algorithm: 'zstd'}), mediaTypes.layerZstd);
	t.throws(() => layerMediaType({algorithm: 'zstd'}, 'docker'), {code: 'ERR_COMPRESSION'});
});
