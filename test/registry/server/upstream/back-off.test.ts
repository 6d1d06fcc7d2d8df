import test from 'ava';
import {RegistryError} from '../../../../lib/registry/exchange/error.js';
import {createBackOff} from '../../../../lib/registry/server/upstream/back-off.js';

const down = new RegistryError('ERR_REGISTRY_UNREACHABLE', 'Nothing answers');

function startClock() {
	let now = 0;
	const backOff = createBackOff({firstMs: 100, longestMs: 300, now: () => now});
	/** Whether a request at this moment is let through; it then ends with `error`, or well. */
	const isAsked = async (atMs: number, error?: Error): Promise<boolean> => {
		now = atMs;
		let asked = false;
		const work = async (): Promise<void> => {
			asked = true;
			if (error !== undefined) throw error;
		};
		await backOff.run(work).catch(() => undefined);
		return asked;
	};
	return {backOff, isAsked};
}

test('each failure in a row doubles the rest, up to the longest', async t => {
	const {isAsked} = startClock();
	const moments = [0, 99, 100, 299, 300, 599, 600, 899, 900];
	const asked: number[] = [];
	for (const moment of moments) if (await isAsked(moment, down)) asked.push(moment);
	t.deepEqual(asked, [0, 100, 300, 600, 900]);
});

test('a success ends the count', async t => {
	const {isAsked} = startClock();
	t.true(await isAsked(0, down));
	t.true(await isAsked(100, down));
	t.true(await isAsked(300));
	t.true(await isAsked(300, down));
	t.false(await isAsked(399));
	t.true(await isAsked(400));
});

test('an answer that broke off counts, and what speaks of one thing only does not', async t => {
	const {backOff, isAsked} = startClock();
	backOff.failed(new RegistryError('ERR_REGISTRY_UNAUTHORIZED', 'No'));
	t.true(await isAsked(0));
	backOff.failed(down);
	t.false(await isAsked(99));
	await t.throwsAsync(
		backOff.run(async () => 'never'),
		{is: down},
	);
	t.true(await isAsked(100));
});
