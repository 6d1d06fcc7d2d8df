import test from 'ava';
import {firstPauseMs, pauseMs} from '../../lib/lb/pace.js';

/** The same numbers each time (a linear congruential generator). */
function seeded(): () => number {
	let state = 1;
	return () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state / 2 ** 32;
	};
}

/** When 1,000 nodes probe one member with the given first pause, in milliseconds. */
function probes(firstMs: (random: () => number) => number, untilMs: number): readonly number[] {
	const random = seeded();
	return Array.from({length: 1000}, () => {
		const times: number[] = [];
		for (let at = firstMs(random); at < untilMs; at += pauseMs(1000, 20, false, random) + 20) times.push(at);
		return times;
	}).flat();
}

/** The most probes in a tenth of a second, of those between two times. */
function crowd(times: readonly number[], fromMs: number, toMs: number): number {
	const tenths = new Map<number, number>();
	for (const at of times)
		if (at >= fromMs && at < toMs) tenths.set(Math.floor(at / 100), (tenths.get(Math.floor(at / 100)) ?? 0) + 1);
	return Math.max(...tenths.values());
}

test('a thousand nodes that start together ask a member all through the second, from the first one on', t => {
	const times = probes(random => firstPauseMs(1000, random), 60_000);
	t.true(crowd(times, 0, 60_000) < 150, `${crowd(times, 0, 60_000)} of 1,000 in a tenth of a second`);
	t.true(Math.abs(times.length - 60_000) < 1000, `${times.length} probes in a minute`);
});

test('nodes that came to ask together drift apart', t => {
	const times = probes(() => 0, 300_000);
	t.is(crowd(times, 0, 100), 1000);
	t.true(crowd(times, 240_000, 300_000) < 180, `${crowd(times, 240_000, 300_000)} of 1,000 in a tenth of a second`);
});

test('what a suspect member says is wanted at once, and a slow answer shortens the pause', t => {
	t.is(
		pauseMs(1000, 20, true, () => 0.5),
		100,
	);
	t.is(
		pauseMs(50, 20, true, () => 0.5),
		50,
	);
	t.is(
		pauseMs(1000, 300, false, () => 0.5),
		700,
	);
	t.is(
		pauseMs(1000, 2000, false, () => 0.5),
		0,
	);
});
