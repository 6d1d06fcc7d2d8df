import {readdirSync, readFileSync} from 'node:fs';

/** Whether a process of this machine was started with exactly these arguments. */
export function isRunning(argv: readonly string[]): boolean {
	const wanted = `${argv.join('\0')}\0`;
	return readdirSync('/proc').some(name => {
		if (!/^\d+$/.test(name)) return false;
		try {
			return readFileSync(`/proc/${name}/cmdline`, 'utf8') === wanted;
		} catch {
			// It has ended meanwhile.
			return false;
		}
	});
}
