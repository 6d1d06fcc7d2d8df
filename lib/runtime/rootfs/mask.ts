import type {Environment} from '../application/environment.js';

/**
 * A text without the values of variables whose names say that they are secret. Short ones are left: they would be
 * found in words that have nothing to do with them.
 */
export function maskSecrets(text: string, env: Environment): string {
	const secrets = Object.entries(env)
		.filter(([name, value]) => secretName.test(name) && value.length >= 4)
		.flatMap(([, value]) => [value, ...value.split(/\r?\n/).filter(line => line.length >= 4)]);
	// The longest first: one may hold another.
	return secrets
		.toSorted((a, b) => b.length - a.length)
		.reduce((masked, secret) => masked.replaceAll(secret, '[secret]'), text);
}

const secretName = /pass(?:w|phrase|$)|secret|token|credential|private|api_?key|access_?key/i;
