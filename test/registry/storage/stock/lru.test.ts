import test from 'ava';
import {createLru} from '../../../../lib/registry/storage/stock/lru.js';

test('what was not asked for the longest goes first', t => {
	const lru = createLru<string, number>(2);
	lru.set('a', 1);
	lru.set('b', 2);
	t.is(lru.get('a'), 1);
	lru.set('c', 3);
	t.deepEqual(
		['a', 'b', 'c'].map(key => lru.get(key)),
		[1, undefined, 3],
	);
	lru.delete('a');
	t.is(lru.get('a'), undefined);
});

test('values count by their weight, and one that is too heavy is not kept', t => {
	const lru = createLru<string, string>(10, value => value.length);
	lru.set('a', '12345');
	lru.set('b', '12345');
	lru.set('a', '1');
	lru.set('c', '1234');
	t.deepEqual(
		['a', 'b', 'c'].map(key => lru.get(key)),
		['1', '12345', '1234'],
	);
	lru.set('d', '12345678901');
	t.deepEqual(
		['a', 'b', 'c', 'd'].map(key => lru.get(key)),
		[undefined, undefined, undefined, undefined],
	);
});
