import {isSealError} from '../../core/errors.js';
import type {Secret} from '../../core/secret.js';
import type {OpenTransport, RemoteProcess, SpawnOptions, Transport} from '../transport/transport.js';
import type {HostLogin, HostTarget} from './target.js';

/** A secret that a login turned out to need. */
export type LoginSecret = 'password' | 'passphrase' | 'sudoPassword';

/** Asks a person; undefined when there is nobody to ask. */
export type AskSecret = (secret: LoginSecret, about: HostTarget) => Promise<Secret | undefined>;

/**
 * Transports that ask for a secret when a host refuses the login for want of it, and try again. Each secret is asked for
 * once for all hosts, however many want it at the same time; a host that refuses it then has failed.
 */
export function askWhenRefused(open: OpenTransport, ask: AskSecret): OpenTransport {
	const asked = new Map<LoginSecret, Promise<Secret | undefined>>();
	const once = (secret: LoginSecret, target: HostTarget): Promise<Secret | undefined> => {
		const answer = asked.get(secret) ?? ask(secret, target);
		asked.set(secret, answer);
		return answer;
	};
	return target => createAsking(target, open, once);
}

/** What a refusal says is missing. */
function wantedBy(error: unknown): LoginSecret | undefined {
	if (!isSealError(error)) return undefined;
	switch (error.code) {
		case 'ERR_IDENTITY_LOCKED':
			return 'passphrase';
		case 'ERR_SUDO_PASSWORD':
		case 'ERR_SUDO_PASSWORD_NEEDED':
			return 'sudoPassword';
		case 'ERR_HOST_LOGIN': {
			const {accepted} = error.details;
			const takesPasswords = Array.isArray(accepted) && accepted.some(method => passwordMethods.has(method as string));
			return takesPasswords ? 'password' : undefined;
		}
		default:
			return undefined;
	}
}

const passwordMethods: ReadonlySet<string> = new Set(['password', 'keyboard-interactive']);

function createAsking(target: HostTarget, open: OpenTransport, ask: AskSecret): Transport {
	let login: HostLogin = target.login;
	let current = open(target);

	/** Another transport with what was asked for; false when the refusal stands. */
	const amend = async (error: unknown, refused: Transport): Promise<boolean> => {
		if (current !== refused) return true;
		const secret = wantedBy(error);
		if (secret === undefined || login[secret] !== undefined) return false;
		const answer = await ask(secret, target);
		if (answer === undefined) return false;
		if (current === refused) {
			login = {...login, [secret]: answer};
			current = open({...target, login});
			await refused.close();
		}
		return true;
	};
	return {
		host: current.host,
		async spawn(argv: readonly string[], options?: SpawnOptions): Promise<RemoteProcess> {
			for (;;) {
				const used = current;
				try {
					return await used.spawn(argv, options);
				} catch (error) {
					options?.signal?.throwIfAborted();
					if (!(await amend(error, used))) throw error;
				}
			}
		},
		close: async () => current.close(),
		async [Symbol.asyncDispose]() {
			await current.close();
		},
	};
}
