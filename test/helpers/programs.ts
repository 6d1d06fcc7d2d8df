import {accessSync, constants} from 'node:fs';
import {delimiter, join} from 'node:path';
import test, {type ExecutionContext} from 'ava';

/** Whether this machine has a program. Under CI=true a missing one is an error, so that no proof goes missing unseen. */
export function installed(name: string): boolean {
	const found = (process.env.PATH ?? '').split(delimiter).some(folder => {
		try {
			accessSync(join(folder, name), constants.X_OK);
			return true;
		} catch {
			return false;
		}
	});
	if (!found && process.env.CI === 'true') throw new Error(`Missing where it must be present: ${name}`);
	return found;
}

/** As ava's `test`, for tests that need programs besides Node: without them they pass with "skipped: <name>" in their log. */
export function testWith(
	...programs: readonly string[]
): (title: string, body: (t: ExecutionContext) => unknown) => void {
	return (title, body) =>
		test(title, async t => {
			const missing = programs.filter(name => !installed(name));
			if (missing.length === 0) {
				await body(t);
				return;
			}
			t.log(`skipped: ${missing.join(', ')}`);
			t.pass();
		});
}
