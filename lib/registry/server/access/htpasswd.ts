import {SealError} from '../../../core/errors.js';
import {bcryptCost} from './bcrypt/check.js';

/** Bcrypt hashes by user name. */
export type PasswordHashes = ReadonlyMap<string, string>;

/** Above this a single login takes seconds; below 4 there is no bcrypt. */
const maxCost = 16;
const maxUsers = 10_000;

/**
 * Reads the lines of an htpasswd file, as the stock registry server does: blank lines and `#` comments are passed over, of
 * two lines for one user the last counts, and only bcrypt is accepted.
 * @param name for messages: the path of the file
 * @throws SealError ERR_ACCESS_FILE with `details.line`; hashes are never shown
 */
export function parseHtpasswd(text: string, name: string): PasswordHashes {
	const users = new Map<string, string>();
	for (const [index, raw] of text.split('\n').entries()) {
		const line = raw.trim();
		if (line === '' || line.startsWith('#')) continue;
		const colon = line.indexOf(':');
		const user = line.slice(0, Math.max(0, colon));
		if (user === '') throw invalid(name, index + 1, 'is not of the form USER:HASH');
		const hash = line.slice(colon + 1);
		const cost = bcryptCost(hash);
		if (cost === undefined) throw invalid(name, index + 1, `has ${formOf(hash)} for ${JSON.stringify(user)}`);
		if (cost < 4 || cost > maxCost) {
			throw invalid(name, index + 1, `has a bcrypt cost of ${cost}; it may be from 4 to ${maxCost}`);
		}
		users.set(user, hash);
		if (users.size > maxUsers) throw invalid(name, index + 1, `is beyond the ${maxUsers} users that are read`);
	}
	return users;
}

function formOf(hash: string): string {
	if (/^\$2[a-z]?\$/.test(hash)) return 'a damaged bcrypt hash';
	if (hash.startsWith('$apr1$') || hash.startsWith('$1$')) return 'an MD5 hash';
	if (hash.startsWith('{SHA}')) return 'a SHA-1 hash';
	if (/^\$[56]\$/.test(hash)) return 'a hash of crypt(3)';
	return 'no bcrypt hash';
}

function invalid(name: string, line: number, what: string): SealError {
	return new SealError('ERR_ACCESS_FILE', `Line ${line} of ${name} ${what}`, {
		hint: 'Write the line with "htpasswd -B": only bcrypt hashes are accepted.',
		details: {file: name, line},
	});
}
