import type {Duplex} from 'node:stream';
import {emit, type OperationOptions} from '../../../core/events.js';
import {type Endpoint, handshakeError} from './failure.js';
import {fingerprint, judgeHostKey, type KeyVerdict, type KnownAs, preferredTypes} from './host-key.js';
import {keyType} from './known-hosts.js';
import type {KnownHostsFiles} from './known-hosts-files.js';
import type {LoginPlan} from './login-plan.js';
import {walkLogin} from './login-walk.js';
import type {HostKeyPolicy} from './options.js';
import {handshake, hostKeyTypes, type SshSession} from './ssh2.js';

export interface LogInOptions extends OperationOptions {
	readonly to: Endpoint;
	readonly knownAs: KnownAs;
	readonly files: KnownHostsFiles;
	readonly policy: HostKeyPolicy;
	/** Write names of hosts as hashes. */
	readonly hashed: boolean;
	readonly plan: LoginPlan;
	readonly timeoutMs: number;
	readonly silenceMs: number;
}

/**
 * Checks the host behind a stream and logs in. The key of a new host is written down once the host has proved that it has it.
 * The stream is closed when this fails.
 * @throws HostError with the code of what went wrong
 */
export async function logIn(stream: Duplex, options: LogInOptions): Promise<SshSession> {
	const {to, knownAs, files, plan} = options;
	const walk = walkLogin(plan);
	let verdict: KeyVerdict | undefined;
	let shown = Buffer.alloc(0);
	const acceptHostKey = (key: Buffer): boolean => {
		// A later key exchange of one connection has to show the same key.
		if (verdict !== undefined) return key.equals(shown);
		shown = Buffer.from(key);
		verdict = judgeHostKey(shown, knownAs, files.known, options.policy);
		return verdict.kind !== 'refused';
	};
	let session: SshSession;
	try {
		session = await handshake({
			stream,
			user: plan.user,
			hostKeyTypes: preferredTypes(knownAs, files.known, hostKeyTypes),
			acceptHostKey,
			nextStep: walk.next,
			timeoutMs: options.timeoutMs,
			silenceMs: options.silenceMs,
			signal: options.signal,
		});
	} catch (error) {
		options.signal?.throwIfAborted();
		if (verdict?.kind === 'refused') throw verdict.error;
		// The key exchange came before the login: the key is the host's, whoever may log in.
		if (walk.begun) await settleKey(verdict, shown, options);
		throw walk.begun && isRefused(error) ? walk.refusal(to) : handshakeError(to, error);
	}
	try {
		await settleKey(verdict, shown, options);
	} catch (error) {
		session.end();
		throw error;
	}
	return session;
}

/** sshd ends the connection after too many wrong keys; other servers do not say why they hang up. */
function isRefused(error: unknown): boolean {
	const {level, code, message} = error as {level?: unknown; code?: unknown; message?: unknown};
	return level === 'client-authentication' || (typeof code === 'number' && /authentication/i.test(String(message)));
}

async function settleKey(verdict: KeyVerdict | undefined, key: Buffer, options: LogInOptions): Promise<void> {
	const {knownAs} = options;
	if (verdict?.kind === 'new') {
		// Another connection may have come to the same host meanwhile, and been shown something else.
		const now = judgeHostKey(key, knownAs, options.files.known, options.policy);
		if (now.kind === 'refused') throw now.error;
		if (now.kind !== 'new') return;
		const file = await options.files.record(knownAs.name, key, {hashed: options.hashed});
		emit(options, {
			type: 'host.key',
			host: knownAs.host,
			algorithm: keyType(key),
			fingerprint: fingerprint(key),
			...(file === undefined ? {} : {file}),
		});
	}
	if (verdict?.kind === 'unchecked' && verdict.differs) {
		emit(options, {
			type: 'warning',
			code: 'ERR_HOST_KEY_CHANGED',
			message: `${knownAs.host} shows the key ${fingerprint(key)}, which is not the known one, and keys are not checked`,
			hint: 'Leave out --host-key off, or correct known_hosts.',
		});
	}
}
