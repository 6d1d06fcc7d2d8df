import {SealError} from '../../core/errors.js';
import type {Credentials} from './credentials.js';

/** The logins of a docker `config.json`, a containers `auth.json` or the older `.dockercfg`. */
export interface AuthFile {
	/** By key as `normalizeKey` has it: a host, or a path of repositories. */
	readonly logins: ReadonlyMap<string, Credentials>;
	/** Names of helpers (`docker-credential-<name>`) by key. */
	readonly helpers: ReadonlyMap<string, string>;
	/** The helper for every host without one of its own. */
	readonly store: string | undefined;
}

/** Such files are a few kilobytes. */
export const maxAuthFileBytes = 4 * 1024 * 1024;

/** @throws SealError ERR_CREDENTIALS, naming the file, when the text is no JSON object */
export function parseAuthFile(text: string, file: string): AuthFile {
	return readAuthFile(parseAuthObject(text, file), file);
}

/** The text of such a file as an object with all its fields. @throws SealError ERR_CREDENTIALS */
export function parseAuthObject(text: string, file: string): Record<string, unknown> {
	let value: unknown;
	try {
		value = text.trim() === '' ? {} : JSON.parse(text);
	} catch (error) {
		throw broken(file, jsonProblem(error, text));
	}
	if (!isRecord(value)) throw broken(file, 'it is not one JSON object');
	return value;
}

/** Reads what is there; entries that cannot be read are passed over. @param origin for messages */
export function readAuthFile(value: unknown, origin: string | undefined): AuthFile {
	const fields = isRecord(value) ? value : {};
	const isOld = !('auths' in fields || 'credsStore' in fields || 'credHelpers' in fields);
	const auths = isOld ? fields : fields.auths;
	const logins = new Map<string, Credentials>();
	for (const [key, entry] of Object.entries(isRecord(auths) ? auths : {})) {
		const credentials = readEntry(entry, origin);
		if (credentials !== undefined) logins.set(normalizeKey(key), credentials);
	}
	const helpers = Object.entries(isRecord(fields.credHelpers) ? fields.credHelpers : {}).filter(
		(pair): pair is [string, string] => typeof pair[1] === 'string' && pair[1] !== '',
	);
	const store = typeof fields.credsStore === 'string' && fields.credsStore !== '' ? fields.credsStore : undefined;
	return {logins, helpers: new Map(helpers.map(([key, name]) => [normalizeKey(key), name])), store};
}

/** `https://index.docker.io/v1/` is what docker calls its own registry; other hosts may come as URLs too. */
export function normalizeKey(key: string): string {
	const bare = key.replace(/^https?:\/\//, '').replace(/\/+$/, '');
	const withoutVersion = bare.replace(/^([^/]+)\/v[12]$/, '$1');
	return withoutVersion.replace(/^(?:index|registry-1|registry)\.docker\.io(?=\/|$)/, 'docker.io');
}

/** The keys under which the logins of a repository may stand, the longest first. */
export function keysOf(host: string, repository: string): string[] {
	const parts = [host, ...repository.split('/').filter(part => part !== '')];
	return parts.map((_, at) => parts.slice(0, parts.length - at).join('/'));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readEntry(value: unknown, origin: string | undefined): Credentials | undefined {
	if (!isRecord(value)) return undefined;
	const from = origin === undefined ? {} : {origin};
	const {username, password, identitytoken, registrytoken} = value;
	if (typeof registrytoken === 'string' && registrytoken !== '')
		return {kind: 'registry-token', token: registrytoken, ...from};
	const login = readLogin(value.auth) ?? {username, password};
	const user = typeof login.username === 'string' && login.username !== '' ? login.username : undefined;
	if (typeof identitytoken === 'string' && identitytoken !== '') {
		return {kind: 'identity-token', token: identitytoken, ...(user === undefined ? {} : {username: user}), ...from};
	}
	if (user === undefined || typeof login.password !== 'string') return undefined;
	return {kind: 'password', username: user, password: login.password, ...from};
}

function readLogin(auth: unknown): {readonly username: string; readonly password: string} | undefined {
	if (typeof auth !== 'string' || auth === '') return undefined;
	// docker pads the text with NULs; a password may hold colons, a name cannot.
	const text = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
	const colon = text.indexOf(':');
	return colon < 1 ? undefined : {username: text.slice(0, colon), password: text.slice(colon + 1)};
}

function broken(file: string, why: string): SealError {
	return new SealError('ERR_CREDENTIALS', `The logins in ${file} cannot be read: ${why}`, {
		hint: 'Mend the file, or name another one.',
		details: {file},
	});
}

/** Where the JSON breaks, without a word of it: what stands there may be a password. */
function jsonProblem(error: unknown, text: string): string {
	const at = /at position (\d+)/.exec((error as Error).message)?.[1];
	if (at === undefined) return 'it is no JSON';
	return `line ${text.slice(0, Number(at)).split('\n').length} is no JSON`;
}
