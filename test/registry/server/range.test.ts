import test from 'ava';
import {parseContentRange, parseRange, type Range, uploadRange} from '../../../lib/registry/server/range.js';

const reads = test.macro<[header: string | undefined, expected: Range | 'all' | 'none', sizeBytes?: number]>({
	exec: (t, header, expected, sizeBytes = 10) => t.deepEqual(parseRange(header, sizeBytes), expected),
	title: (_, header, __, sizeBytes = 10) => `Range: ${header} of ${sizeBytes} bytes`,
});

test(reads, undefined, 'all');
test(reads, '', 'all');
test(reads, 'bytes=0-9', {start: 0, end: 10});
test(reads, 'bytes=0-99999999999999999999', {start: 0, end: 10});
test(reads, 'bytes=99999999999999999999-', 'none');
test(reads, 'bytes=-99999999999999999999', {start: 0, end: 10});
test(reads, 'bytes=3-3', {start: 3, end: 4});
test(reads, 'bytes= 3-4 ', {start: 3, end: 5});
test(reads, 'bytes=4-3', 'none');
test(reads, 'bytes=0-', 'none', 0);
test(reads, 'bytes=-1', 'none', 0);
test(reads, 'bytes=1-2,4-5', 'all');
test(reads, 'bytes=--1', 'all');
test(reads, 'bytes 1-2', 'all');

const readsContent = test.macro<[header: string, expected: Range | undefined]>({
	exec: (t, header, expected) => t.deepEqual(parseContentRange(header), expected),
	title: (_, header) => `Content-Range: ${header}`,
});

test(readsContent, '0-0', {start: 0, end: 1});
test(readsContent, ' 5-9 ', {start: 5, end: 10});
test(readsContent, 'bytes 5-9/*', {start: 5, end: 10});
test(readsContent, 'bytes=5-9/100', {start: 5, end: 10});
test(readsContent, '9-5', undefined);
test(readsContent, '5', undefined);
test(readsContent, '0-9999999999999999', undefined);
test(readsContent, 'bytes */10', undefined);

test('the range of an upload is inclusive, and that of an empty one is of a byte', t => {
	t.is(uploadRange(0), '0-0');
	t.is(uploadRange(1), '0-0');
	t.is(uploadRange(2), '0-1');
});
