import {isSealError} from '../../core/errors.js';
import type {Secret} from '../../core/secret.js';
import type {OpenTransport, RemoteProcess, SpawnOptions, Transport} from '../transport/transport.js';
import type {HostLogin, HostTarget} from './target.js';

/** A secret that a login turned out to need. */
export type LoginSecret = 'password' | 'passphrase' | 'sudoPassword';

/**
 * Asks a person; undefined when there is nobody to ask. `attempt` counts from 1; from 2 on a host has refused the answer before.
 */
export type AskSecret = (secret: LoginSecret, about: HostTarget, attempt: number) => Promise<Secret | undefined>;

/**
 * Transports that ask for a secret when a host refuses the login for want of it, and try again. Each secret is asked for
 * once for all hosts, however many want it at the same time. An answer that no host has taken yet is asked for again when one
 * refuses it, three times in all; after that, a host that refuses it has failed.
 */
export function askWhenRefused(open: OpenTransport, ask: AskSecret): OpenTransport {
	const answers = createAnswers(ask);
	return target => createAsking(target, open, answers);
}

/** What was asked for so far, for all hosts. */
interface Answers {
	/** The answer that counts now; another one after `refused`. */
	get(secret: LoginSecret, target: HostTarget, refused: Secret | undefined): Promise<Secret | undefined>;
	/** A host has let us in with these. */
	accept(login: HostLogin): void;
	isAnswer(secret: Secret): boolean;
}

const maxAttempts = 3;

function createAnswers(ask: AskSecret): Answers {
	const asked = new Map<LoginSecret, {readonly answer: Promise<Secret | undefined>; readonly attempt: number}>();
	const given = new WeakSet<Secret>();
	const accepted = new WeakSet<Secret>();
	const put = async (secret: LoginSecret, target: HostTarget, attempt: number): Promise<Secret | undefined> => {
		const answer = await ask(secret, target, attempt);
		if (answer !== undefined) given.add(answer);
		return answer;
	};
	return {
		async get(secret, target, refused) {
			const before = asked.get(secret);
			const answer = await before?.answer;
			// Several hosts may have waited for the same answer: the first that comes back has asked again.
			if (asked.get(secret) !== before) return await asked.get(secret)?.answer;
			const {attempt: attempts = 0} = before ?? {};
			const isFinal = refused === undefined || answer !== refused || accepted.has(refused) || attempts >= maxAttempts;
			if (before !== undefined && isFinal) return answer;
			const attempt = attempts + 1;
			const next = put(secret, target, attempt);
			asked.set(secret, {answer: next, attempt});
			return await next;
		},
		accept(login) {
			for (const secret of [login.password, login.passphrase, login.sudoPassword])
				if (secret !== undefined) accepted.add(secret);
		},
		isAnswer: secret => given.has(secret),
	};
}

/** What a refusal says is missing, or wrong. */
function wantedBy(error: unknown): LoginSecret | undefined {
	// Jump hosts have secrets of their own.
	if (!isSealError(error) || error.details.jump !== undefined) return undefined;
	switch (error.code) {
		case 'ERR_IDENTITY':
		case 'ERR_IDENTITY_LOCKED':
			return 'passphrase';
		case 'ERR_SUDO_PASSWORD':
		case 'ERR_SUDO_PASSWORD_NEEDED':
			return 'sudoPassword';
		case 'ERR_HOST_PASSWORD':
			return 'password';
		case 'ERR_HOST_LOGIN': {
			const {accepted} = error.details;
			const takesPasswords = Array.isArray(accepted) && accepted.some(method => passwordMethods.has(method as string));
			return takesPasswords ? 'password' : undefined;
		}
		default:
			return undefined;
	}
}

/** Refusals of a secret that was given, not for want of one. */
const wrongCodes: ReadonlySet<string> = new Set(['ERR_IDENTITY', 'ERR_HOST_PASSWORD']);
const passwordMethods: ReadonlySet<string> = new Set(['password', 'keyboard-interactive']);

function createAsking(target: HostTarget, open: OpenTransport, answers: Answers): Transport {
	let login: HostLogin = target.login;
	let current = open(target);

	/** Another transport with what was asked for; false when the refusal stands. */
	const amend = async (error: unknown, refused: Transport): Promise<boolean> => {
		if (current !== refused) return true;
		const secret = wantedBy(error);
		if (secret === undefined) return false;
		const before = login[secret];
		// What the user gave beforehand and is wrong is theirs to mend.
		if (before === undefined ? isWrong(error) : !answers.isAnswer(before)) return false;
		const answer = await answers.get(secret, target, before);
		if (answer === undefined || answer === before) return false;
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
					const running = await used.spawn(argv, options);
					answers.accept(login);
					return running;
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

function isWrong(error: unknown): boolean {
	return isSealError(error) && wrongCodes.has(error.code);
}
