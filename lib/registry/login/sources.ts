import {open} from 'node:fs/promises';
import {createSharedWork} from '../../core/abortable.js';
import {SealError, systemCode} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {ioError} from '../../core/io-error.js';
import {type AuthFile, keysOf, maxAuthFileBytes, parseAuthFile, readAuthFile} from './auth-file.js';
import {type CredentialSource, type Credentials, firstCredentials} from './credentials.js';
import {type HelperOptions, helperGet} from './helper.js';

/** A file of logins. */
export interface AuthPlace {
	readonly path: string;
	/** As people know it, for messages: `~/.docker/config.json`. Default: the path. */
	readonly shown?: string | undefined;
	/** It was named by the user: an error when it does not exist. Default false. */
	readonly required?: boolean | undefined;
}

export type SourceOptions = Pick<HelperOptions, 'timeoutMs' | 'env'>;

/**
 * The logins of several files, the first that knows the repository counts. Each is read when it is first asked; its helpers
 * are run when there is something to ask them. Within a file a helper for the host (`credHelpers`) comes before the helper
 * for all (`credsStore`), and that before what the file itself holds (`auths`); longer paths come before shorter.
 * @throws (when asked) SealError ERR_CREDENTIALS naming the file or the helper
 */
export function credentialsFromFiles(places: readonly AuthPlace[], options: SourceOptions = {}): CredentialSource {
	return firstCredentials(...places.map(place => fromFile(place, options)));
}

/**
 * The logins of a docker `config.json` or containers `auth.json`, given as parsed JSON. Entries that cannot be read are
 * passed over.
 * @param origin for messages
 */
export function credentialsFromConfig(config: unknown, origin?: string, options: SourceOptions = {}): CredentialSource {
	return fromParsed(async () => readAuthFile(config, origin), options);
}

/** The text of a file of logins; undefined when it does not exist and need not. @throws SealError ERR_CREDENTIALS */
export async function readAuthText({path, shown = path, required = false}: AuthPlace): Promise<string | undefined> {
	try {
		const file = await open(path, 'r');
		try {
			const {size} = await file.stat();
			if (size > maxAuthFileBytes) throw unreadable(shown, `it has ${size} bytes`);
			return await file.readFile('utf8');
		} finally {
			await file.close();
		}
	} catch (error) {
		const isAbsent = systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR';
		if (isAbsent && !required) return undefined;
		const {message} = ioError(error, 'read', path) as Error;
		if (systemCode(error) === undefined || error instanceof SealError) throw error;
		throw unreadable(shown, message.replace(`Cannot read ${path}: `, ''), error);
	}
}

function fromFile(place: AuthPlace, options: SourceOptions): CredentialSource {
	const shown = place.shown ?? place.path;
	return fromParsed(async () => {
		const text = await readAuthText(place);
		return text === undefined ? readAuthFile({}, shown) : parseAuthFile(text, shown);
	}, options);
}

/** What a helper said is good for so long: hundreds of repositories of one host must not start it hundreds of times. */
const helperAnswerMs = 60_000;

interface Answered {
	readonly untilMs: number;
	readonly answer: Credentials | undefined;
}

function fromParsed(read: () => Promise<AuthFile>, options: SourceOptions): CredentialSource {
	let parsed: Promise<AuthFile> | undefined;
	const answered = new Map<string, Answered>();
	const shared = createSharedWork<Credentials | undefined>();
	const ask = async (name: string, host: string, abortable: Abortable): Promise<Credentials | undefined> => {
		const key = `${name} ${host}`;
		const before = answered.get(key);
		if (before !== undefined && before.untilMs > performance.now()) return before.answer;
		const answer = await shared(key, signal => askHelper(name, host, {...options, signal}), abortable);
		answered.set(key, {untilMs: performance.now() + helperAnswerMs, answer});
		return answer;
	};
	return async (host, repository, abortable = {}) => {
		parsed ??= read();
		const {logins, helpers, store} = await parsed;
		const keys = keysOf(host, repository);
		const own = keys.map(key => helpers.get(key)).find(name => name !== undefined);
		if (own !== undefined) return await ask(own, host, abortable);
		const stored = store === undefined ? undefined : await ask(store, host, abortable);
		return stored ?? keys.map(key => logins.get(key)).find(found => found !== undefined);
	};
}

/** docker keeps its own registry under a URL of old. */
const hubServer = 'https://index.docker.io/v1/';

async function askHelper(name: string, host: string, options: HelperOptions): Promise<Credentials | undefined> {
	if (host !== 'docker.io') return await helperGet(name, host, options);
	return (await helperGet(name, hubServer, options)) ?? (await helperGet(name, host, options));
}

/** The name under which docker, and with it every helper, keeps the login of a registry. */
export function serverKey(key: string): string {
	return key === 'docker.io' ? hubServer : key;
}

function unreadable(shown: string, why: string, cause?: unknown): SealError {
	return new SealError('ERR_CREDENTIALS', `The logins in ${shown} cannot be read: ${why}`, {
		hint: 'Mend the file, or name another one.',
		details: {file: shown},
		...(cause === undefined ? {} : {cause}),
	});
}
