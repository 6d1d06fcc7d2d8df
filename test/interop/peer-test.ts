import {randomBytes} from 'node:crypto';
import {mkdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {inTime} from '../helpers/in-time.js';
import {isUsable, onPath, type Peer} from './peers.js';

/**
 * A serial test that needs other tools. Without them it passes with "skipped: <name>" in its log on a user's machine;
 * where CI=true a missing tool is a failure, so that no proof goes missing unseen. A test that takes longer than five minutes fails.
 */
export function peerTest(
	title: string,
	peers: readonly Peer[],
	body: (t: ExecutionContext, scratch: string) => Promise<void>,
): void {
	test.serial(title, async t => {
		const missing = peers.filter(peer => !isUsable(peer));
		if (missing.length === 0) {
			await inTime(body(t, scratchFolder(t)), patienceMs);
			return;
		}
		const names = missing.map(peer => (onPath(peer) ? `${peer} (needs root)` : peer)).join(', ');
		if (process.env.CI === 'true') throw new Error(`Missing where it must be present: ${names}`);
		t.log(`skipped: ${names}`);
		t.pass();
	});
}

const patienceMs = 300_000;

/** An empty folder that is removed after the test. */
export function scratchFolder(t: ExecutionContext): string {
	// In lower case: buildah and podman take the path of a layout for a reference, which has no capitals.
	const path = join(tmpdir(), `sealimage-interop-${randomBytes(6).toString('hex')}`);
	mkdirSync(path, {mode: 0o700});
	t.teardown(() => rmSync(path, {recursive: true, force: true, maxRetries: 3}));
	return path;
}
