import test from 'ava';
import fc from 'fast-check';
import {formatStatTable, parseStatTable, type StatRow} from '../../../lib/sealfile/context/stat-table.js';

const key = 'ab'.repeat(32);
const row = (name: string, ino = 1): StatRow => ({
	name,
	dev: 2049,
	ino,
	size: 9 * 1024 ** 3,
	mtimeMs: 1_700_000_000_123.25,
	ctimeMs: 1_700_000_000_456.5,
	contentKey: key,
});

test('finds rows in any order, and none that was never written', t => {
	const table = parseStatTable(formatStatTable([row('/a', 1), row('/a/b', 2), row('/c', 3)]));
	t.deepEqual(
		['/c', '/a', '/a/b', '/x', '/c'].map(name => table.find(name)),
		[2, 0, 1, -1, 2],
	);
	t.deepEqual(table.at(1), row('/a/b', 2));
});

test('matches a file only when every number is the same', t => {
	const table = parseStatTable(formatStatTable([row('/a')]));
	const {name: _, contentKey: __, ...file} = row('/a');
	t.true(table.matches(0, file));
	for (const field of Object.keys(file) as (keyof typeof file)[])
		t.false(table.matches(0, {...file, [field]: file[field] + 1}), field);
	t.is(table.contentKey(0), key);
});

test('keeps names whatever their bytes are', t => {
	const name = fc
		.string({unit: 'binary', minLength: 1})
		.map(text => `/${text.replaceAll(/[\0\ud800-\udfff]/gu, '')}\udcff`);
	fc.assert(
		fc.property(fc.uniqueArray(name, {minLength: 1}), names => {
			const table = parseStatTable(formatStatTable(names.map((one, at) => row(one, at))));
			return names.every((one, at) => table.find(one) === at && table.at(at).ino === at);
		}),
	);
	t.pass();
});

test('takes a damaged table for an empty one', t => {
	const whole = formatStatTable([row('/a'), row('/b')]);
	for (let length = 0; length < whole.length - 4; length++)
		t.true(parseStatTable(whole.subarray(0, length)).count <= 2);
	t.is(parseStatTable(whole.subarray(0, 40)).count, 0);
	t.is(parseStatTable(Buffer.from('{"/a":[1,2,3]}')).count, 0);
	const lying = Buffer.from(whole);
	lying.writeDoubleLE(1e15, 16);
	t.is(parseStatTable(lying).count, 0);
	t.is(parseStatTable(lying).find('/a'), -1);
});
