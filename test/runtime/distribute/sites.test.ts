import test from 'ava';
import fc from 'fast-check';
import {
	clearBit,
	createBits,
	eachBit,
	growBits,
	hasBit,
	lightest,
	setBit,
} from '../../../lib/runtime/distribute/bits.js';
import {createIndexedSet} from '../../../lib/runtime/distribute/indexed-set.js';
import {createSite, isSameSite, isWalled, joinSites, noteWall} from '../../../lib/runtime/distribute/sites.js';
import {createRandom} from '../../../lib/runtime/simulate/simulate.js';

test('three failures between two sites are a wall for all in them, until one may try again', t => {
	const [a, b, c, d] = [createSite(), createSite(), createSite(), createSite()];
	joinSites(a!, b!);
	joinSites(c!, d!);
	t.true(isSameSite(a!, b!));
	t.false(isSameSite(a!, c!));
	for (let now = 0; now < 3; now++) {
		t.false(isWalled(b!, d!, now));
		noteWall(a!, c!, now);
	}
	t.true(isWalled(b!, d!, 10));
	t.false(isWalled(d!, b!, 10), 'the other way may be open');
	t.false(isWalled(a!, b!, 10));
	t.false(isWalled(a!, d!, 60_000));
	t.true(isWalled(b!, c!, 60_001), 'one tries for all');
	joinSites(a!, d!);
	t.false(isWalled(b!, c!, 60_002));
	noteWall(a!, c!, 1);
	t.false(isWalled(a!, c!, 2), 'what is one site has no walls in it');
});

test('sets of bits are sets', t => {
	fc.assert(
		fc.property(fc.array(fc.nat(200)), fc.array(fc.nat(200)), (added, removed) => {
			let bits = createBits(10);
			const expected = new Set<number>();
			for (const number of added) {
				bits = growBits(bits, number + 1);
				setBit(bits, number);
				expected.add(number);
			}
			for (const number of removed) {
				if (number < bits.length * 32) clearBit(bits, number);
				expected.delete(number);
			}
			const found: number[] = [];
			eachBit(bits, number => found.push(number));
			t.deepEqual(
				found,
				[...expected].toSorted((a, b) => a - b),
			);
			t.true(found.every(number => hasBit(bits, number)));
			t.is(
				lightest(bits, undefined, 0.7, number => number),
				found[0] ?? -1,
			);
			t.is(
				lightest(bits, createBits(200), 0.2, () => 1),
				-1,
			);
		}),
	);
});

test('a set that is sampled gives each of its items as often as any other', t => {
	const set = createIndexedSet<number>(createRandom(3));
	for (let number = 0; number < 10; number++) set.add(number);
	set.add(3);
	set.delete(9);
	set.delete(9);
	t.is(set.size, 9);
	const counts = new Map<number, number>();
	for (let turn = 0; turn < 3000; turn++) {
		const sample = set.sample(3);
		t.is(new Set(sample).size, 3);
		for (const number of sample) counts.set(number, (counts.get(number) ?? 0) + 1);
	}
	t.is(counts.size, 9);
	t.true([...counts.values()].every(count => count > 800 && count < 1200));
	t.is(set.sample(100).length, 9);
});
