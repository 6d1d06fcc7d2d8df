import {chown, mkdir, realpath, stat} from 'node:fs/promises';
import {dirname} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import type {Abortable} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {withLock} from '../../core/lock.js';
import {isRecord, keysOf, normalizeKey, parseAuthObject, readAuthFile} from './auth-file.js';
import {helperErase, helperList, helperStore, programOf} from './helper.js';
import {type AuthPlace, readAuthText, type SourceOptions, serverKey} from './sources.js';

export interface KeepOptions extends SourceOptions, Abortable {}

/** Where a login went, or from where it was taken, for messages: a file, or a helper that the file names. */
export type Keeper = string;

/**
 * Keeps a login where docker, podman and skopeo find it: in the file, or with the helper that the file names. All else in
 * the file stays; it is replaced as a whole, readable by its owner alone, and logins at the same time lose nothing.
 * @param key a host, or a path of repositories below it
 * @throws SealError ERR_CREDENTIALS, ERR_STORE_LOCKED, ERR_PERMISSION, ERR_NO_SPACE, ERR_IO
 */
export async function keepLogin(
	place: AuthPlace,
	key: string,
	login: {readonly username: string; readonly password: string},
	options: KeepOptions = {},
): Promise<Keeper> {
	return await editAuthFile(place, options, async (fields, shown) => {
		const helper = helperFor(fields, key, shown);
		const auths = authsOf(fields);
		const kept = takeEntry(auths, key);
		if (helper === undefined) {
			const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64');
			fields.auths = {...auths, [serverKey(key)]: {...kept, auth}};
			return shown;
		}
		await helperStore(helper.name, serverKey(key), login, options);
		// docker lists what it knows by the keys of the file, and so leaves an empty one for its store.
		fields.auths = helper.isStore ? {...auths, [serverKey(key)]: kept} : auths;
		return programOf(helper.name);
	});
}

/** Forgets a login; resolves with where it was, or undefined when the file has none. @throws as `keepLogin` */
export async function dropLogin(place: AuthPlace, key: string, options: KeepOptions = {}): Promise<Keeper | undefined> {
	// A file without the login is not locked: it may be one that we cannot write.
	const {shown: name = place.path} = place;
	const before = parseAuthObject((await readAuthText(place)) ?? '', name);
	if (helperFor(before, key, name) === undefined && !hasEntry(before, key)) return undefined;
	return await editAuthFile(place, options, async (fields, shown) => {
		const helper = helperFor(fields, key, shown);
		const auths = authsOf(fields);
		const had = hasEntry(fields, key);
		takeEntry(auths, key);
		if (had) fields.auths = auths;
		if (helper !== undefined && (await helperErase(helper.name, serverKey(key), options)))
			return programOf(helper.name);
		return had ? shown : undefined;
	});
}

/** Forgets every login that a file, and the helpers it names, keep. Resolves with the keys. @throws as `keepLogin` */
export async function dropAllLogins(place: AuthPlace, options: KeepOptions = {}): Promise<readonly string[]> {
	return await editAuthFile(place, options, async (fields, shown) => {
		const {helpers, store, logins} = readAuthFile(fields, shown);
		const dropped = new Set(logins.keys());
		for (const [key, name] of helpers) if (await helperErase(name, serverKey(key), options)) dropped.add(key);
		for (const server of store === undefined ? [] : (await helperList(store, options)).keys())
			if (await helperErase(store!, server, options)) dropped.add(normalizeKey(server));
		if (Object.keys(authsOf(fields)).length > 0) fields.auths = {};
		return [...dropped];
	});
}

type Fields = Record<string, unknown>;

async function editAuthFile<R>(
	place: AuthPlace,
	options: Abortable,
	edit: (fields: Fields, shown: string) => Promise<R>,
): Promise<R> {
	const {shown = place.path} = place;
	// A file that is a link (as dotfiles often are) stays one.
	const path = (await ifExists(() => realpath(place.path))) ?? place.path;
	await withIo('make the folder of', path, () => mkdir(dirname(path), {recursive: true, mode: 0o700}));
	const what = `the file of logins ${shown}`;
	return await withLock(
		`${path}.lock`,
		async () => {
			const before = (await readAuthText({path, shown})) ?? '';
			const fields = parseAuthObject(before, shown);
			const original = JSON.stringify(fields);
			const result = await edit(fields, shown);
			options.signal?.throwIfAborted();
			if (JSON.stringify(fields) !== original) await replace(path, `${JSON.stringify(fields, undefined, '\t')}\n`);
			return result;
		},
		{what, ...(options.signal === undefined ? {} : {signal: options.signal})},
	);
}

/** Root that works in the home of a user does not take the file away from them. */
async function replace(path: string, text: string): Promise<void> {
	const owner = await ifExists(() => stat(path));
	await writeFileAtomic(path, text, {mode: 0o600});
	if (owner !== undefined && process.getuid?.() === 0 && owner.uid !== 0)
		await withIo('give back', path, () => chown(path, owner.uid, owner.gid));
}

function helperFor(
	fields: Fields,
	key: string,
	shown: string,
): {readonly name: string; readonly isStore: boolean} | undefined {
	const {helpers, store} = readAuthFile(fields, shown);
	const [host = '', ...path] = key.split('/');
	const own = keysOf(host, path.join('/'))
		.map(one => helpers.get(one))
		.find(name => name !== undefined);
	if (own !== undefined) return {name: own, isStore: false};
	return store === undefined ? undefined : {name: store, isStore: true};
}

function authsOf(fields: Fields): Fields {
	return isRecord(fields.auths) ? {...fields.auths} : {};
}

function hasEntry(fields: Fields, key: string): boolean {
	return Object.keys(authsOf(fields)).some(other => normalizeKey(other) === key);
}

const secretFields: ReadonlySet<string> = new Set(['auth', 'username', 'password', 'identitytoken', 'registrytoken']);

/** Removes a login under all spellings of its key; gives back what else stood there. */
function takeEntry(auths: Fields, key: string): Fields {
	let kept: Fields = {};
	for (const [other, entry] of Object.entries(auths)) {
		if (normalizeKey(other) !== key) continue;
		if (isRecord(entry)) kept = {...kept, ...entry};
		delete auths[other];
	}
	return Object.fromEntries(Object.entries(kept).filter(([name]) => !secretFields.has(name)));
}
