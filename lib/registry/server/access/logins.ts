import {createHash, timingSafeEqual} from 'node:crypto';
import type {Observable} from '../../../core/events.js';
import {type Watched, watchFiles} from '../watched-files.js';
import {bcryptCost, hashOfNobody, type PasswordCheck} from './bcrypt/check.js';
import {type PasswordHashes, parseHtpasswd} from './htpasswd.js';
import {allRights, type Rights} from './rights.js';
import {parseTokenFile, type StaticToken} from './token-file.js';

/** Somebody whose secret was right. */
export interface Login {
	/** `alice`, as the access log has it. */
	readonly user: string;
	readonly rights: Rights;
	/** Names the login in tokens that we sign; changes with its secret. */
	readonly subject: string;
}

/** Users of an htpasswd file, who may do everything, and tokens with their own rights. */
export interface Logins {
	byPassword(user: string, password: string): Promise<Login | 'wrong' | 'busy'>;
	/** A static token, sent as it is. */
	byToken(token: string): Promise<Login | undefined>;
	/** What a login is allowed now; undefined once it is gone, or its secret is another one. */
	bySubject(subject: string): Promise<Login | undefined>;
}

export interface LoginFiles extends Observable {
	readonly htpasswd?: string | undefined;
	readonly tokens?: string | undefined;
}

/** @throws SealError ERR_ACCESS_FILE, ERR_YAML, ERR_IO, ERR_PERMISSION */
export async function openLogins(files: LoginFiles, passwords: PasswordCheck, now: () => number): Promise<Logins> {
	const options = {warningCode: 'RegistryAccessFile', onEvent: files.onEvent};
	const users = await watched(files.htpasswd, parseHtpasswd, options);
	const tokens = await watched(files.tokens, (text, name) => indexTokens(parseTokenFile(text, name)), options);
	const tokenBy = async (index: keyof TokenIndex, key: string): Promise<StaticToken | undefined> => {
		const found = (await tokens?.get())?.[index].get(key);
		return found?.expiresAtMs === undefined || found.expiresAtMs > now() ? found : undefined;
	};
	return {
		async byPassword(user, password) {
			const token = await tokenBy('byName', user);
			if (token !== undefined && timingSafeEqual(sha256(password), token.hash)) return loginOf(token);
			const hashes = await users?.get();
			if (hashes === undefined) return 'wrong';
			const known = hashes.get(user);
			const verdict = await passwords.check(user, password, known ?? hashOfNobody(usualCost(hashes)));
			if (verdict === 'busy') return 'busy';
			return verdict === 'right' && known !== undefined ? userLogin(user, known) : 'wrong';
		},
		async byToken(token) {
			const hash = sha256(token);
			// The time of the search tells of the hash at most, and who knows a hash does not know a token.
			const found = await tokenBy('byHash', hash.toString('hex'));
			return found !== undefined && timingSafeEqual(hash, found.hash) ? loginOf(found) : undefined;
		},
		async bySubject(subject) {
			const [kind, name = ''] = subject.split(':');
			const token = kind === 'token' ? await tokenBy('byName', name) : undefined;
			const hash = kind === 'user' ? (await users?.get())?.get(nameOf(subject)) : undefined;
			const login =
				token !== undefined ? loginOf(token) : hash === undefined ? undefined : userLogin(nameOf(subject), hash);
			return login?.subject === subject ? login : undefined;
		},
	};
}

interface TokenIndex {
	readonly byName: ReadonlyMap<string, StaticToken>;
	/** In hexadecimal. */
	readonly byHash: ReadonlyMap<string, StaticToken>;
}

function indexTokens(tokens: readonly StaticToken[]): TokenIndex {
	return {
		byName: new Map(tokens.map(token => [token.name, token])),
		byHash: new Map(tokens.map(token => [token.hash.toString('hex'), token])),
	};
}

async function watched<T>(
	path: string | undefined,
	parse: (text: string, name: string) => T,
	options: Observable & {readonly warningCode: string},
): Promise<Watched<T> | undefined> {
	if (path === undefined) return undefined;
	return await watchFiles([path], ([content]) => parse((content ?? '').toString('utf8'), path), options);
}

function loginOf({name, hash, rights}: StaticToken): Login {
	return {user: name, rights, subject: `token:${name}:${fingerprint(hash)}`};
}

function userLogin(user: string, hash: string): Login {
	return {user, rights: allRights, subject: `user:${user}:${fingerprint(hash)}`};
}

/** A user name has no colon: that is where htpasswd ends it. */
function nameOf(subject: string): string {
	return subject.split(':')[1] ?? '';
}

/** Tells one secret from the next without telling anything about it. */
function fingerprint(hash: string | Buffer): string {
	return createHash('sha256').update('subject').update(hash).digest('hex').slice(0, 16);
}

function usualCost(hashes: PasswordHashes): number {
	const [first = ''] = hashes.values();
	return bcryptCost(first) ?? 10;
}

function sha256(text: string): Buffer {
	return createHash('sha256').update(text).digest();
}
