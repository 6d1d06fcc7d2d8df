import {readlinkSync, statSync} from 'node:fs';
import test, {type ExecutionContext} from 'ava';
import {inTime} from '../helpers/in-time.js';
import {whyNoHosts} from '../lab/available.js';
import {type BootOptions, bootHosts, isRunning, type LabHost, lastSteps, removeHost} from '../lab/hosts.js';
import {namespace} from '../lab/place.js';
import {type Turn, takeTurn} from '../lab/turns.js';

export interface LabTestOptions extends BootOptions {
	/** No other file of tests uses the lab meanwhile. Default false: one may. */
	readonly alone?: boolean;
	/** How long one test may take. Default five minutes. */
	readonly patienceMs?: number;
}

/**
 * Real hosts for the tests of one file: booted with fresh disks before the first test, gone after the last. The returned function declares a serial test on them.
 * Where no host can be booted its tests pass with "skipped: <why>" in their log; see lab/available.ts for what is a failure in CI.
 * A test that takes longer than it may fails, and says what was done to hosts last.
 */
export function onLabHosts<const Names extends readonly string[]>(
	names: Names,
	{alone = false, patienceMs = usualPatienceMs, ...options}: LabTestOptions = {},
): (
	title: string,
	body: (t: ExecutionContext, hosts: {readonly [Name in keyof Names]: LabHost}) => Promise<void>,
) => void {
	let hosts: LabHost[] = [];
	let why: string | undefined;
	inTurn(alone ? 'alone' : 'beside');
	test.serial.before('boot the hosts', async t => {
		t.timeout(patienceMs);
		why = whyNoHosts() ?? whyNotInside();
		if (why === undefined) hosts = await bootHosts(names, {fresh: true, ...options});
	});
	test.after.always('remove the hosts', () => {
		if (why === undefined) for (const name of names) removeHost(name);
	});
	return (title, body) => {
		test.serial(title, async t => {
			if (why === undefined) {
				// A test that failed after a power cut is not to take the others with it.
				await bootHosts(
					names.filter(name => !isRunning(name)),
					options,
				);
				const work = body(t, hosts as {readonly [Name in keyof Names]: LabHost});
				await inTime(work, patienceMs, () => `Last on the hosts:\n${lastSteps().join('\n')}`);
				return;
			}
			t.log(`skipped: ${why}`);
			t.pass();
		});
	};
}

/** Lets all that this file declares after it wait until others leave room for it. */
export function inTurn(turn: Turn): void {
	let end = (): void => undefined;
	test.serial.before('wait for a turn', async t => {
		t.timeout(turnPatienceMs);
		end = await takeTurn(turn);
	});
	process.once('exit', () => end());
}

const usualPatienceMs = 300_000;
/** Whoever is at work may take all of it. */
const turnPatienceMs = 1_800_000;

/** The tests speak to the hosts from within their network. */
function whyNotInside(): string | undefined {
	const own = /\d+/.exec(readlinkSync('/proc/self/ns/net'))?.[0];
	if (own === String(statSync(`/run/netns/${namespace}`, {throwIfNoEntry: false})?.ino)) return undefined;
	return 'not in the network of the lab (npm run test:cluster, or npm run lab -- exec npx ava --config cluster.config.js)';
}
