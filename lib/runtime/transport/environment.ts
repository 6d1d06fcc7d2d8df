import {quote} from './quote.js';

/**
 * An environment as lines of shell that export it: they go over stdin, where no other user of the host can read them.
 * @throws TypeError for a name that is none, a name that shells keep for themselves, and a value with a NUL
 */
export function environmentLines(env: Readonly<Record<string, string>>): readonly string[] {
	const assignments = Object.entries(env).map(([name, value]) => {
		if (!isVariableName(name)) {
			throw new TypeError(`${JSON.stringify(name)} cannot be the name of an environment variable`);
		}
		if (value.includes('\0')) throw new TypeError(`The environment variable ${name} cannot hold a NUL character`);
		return `export ${name}=${quote(value)}`;
	});
	// A value may have several lines.
	return assignments.length === 0 ? [] : assignments.join('\n').split('\n');
}

/** Whether a shell can export a variable of this name. */
export function isVariableName(name: string): boolean {
	return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !readOnly.has(name);
}

/** Variables that bash does not let anyone set; the attempt would end the shell. */
const readOnly = new Set(['BASHOPTS', 'BASH_VERSINFO', 'EUID', 'PPID', 'SHELLOPTS', 'UID']);
