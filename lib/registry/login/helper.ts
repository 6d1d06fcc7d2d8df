import {spawn} from 'node:child_process';
import {isSealError, SealError, systemCode} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {isRecord} from './auth-file.js';
import type {Credentials} from './credentials.js';

export interface HelperOptions extends Abortable {
	/** Helpers may ask for a passphrase on a screen of their own. Default 120,000. */
	readonly timeoutMs?: number | undefined;
	/** The environment of the program; default: that of this process. */
	readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

const maxOutputBytes = 1024 * 1024;

/**
 * Asks `docker-credential-<name>` for a login; undefined when it has none.
 * @param server as docker names it: `ghcr.io`, `https://index.docker.io/v1/`
 * @throws SealError ERR_CREDENTIALS
 */
export async function helperGet(
	name: string,
	server: string,
	options: HelperOptions = {},
): Promise<Credentials | undefined> {
	const {exitCode, output} = await runHelper(name, 'get', server, options);
	if (exitCode !== 0) {
		// The protocol has no code for it: helpers print this sentence (docker-credential-helpers, credentials/error.go).
		if (/credentials not found|no usernames/i.test(output)) return undefined;
		throw failed(name, 'get', output, exitCode);
	}
	const answer = parseAnswer(name, output);
	const {Username: username, Secret: secret} = answer;
	if (typeof secret !== 'string' || secret === '') return undefined;
	const origin = programOf(name);
	if (username === '<token>') return {kind: 'identity-token', token: secret, origin};
	if (typeof username !== 'string' || username === '') return undefined;
	return {kind: 'password', username, password: secret, origin};
}

/** Hands a login over. @throws SealError ERR_CREDENTIALS */
export async function helperStore(
	name: string,
	server: string,
	login: {readonly username: string; readonly password: string},
	options: HelperOptions = {},
): Promise<void> {
	const input = JSON.stringify({ServerURL: server, Username: login.username, Secret: login.password});
	const {exitCode, output} = await runHelper(name, 'store', input, options);
	if (exitCode !== 0) throw failed(name, 'store', output, exitCode);
}

/** Removes a login; true when there was one. @throws SealError ERR_CREDENTIALS */
export async function helperErase(name: string, server: string, options: HelperOptions = {}): Promise<boolean> {
	const {exitCode, output} = await runHelper(name, 'erase', server, options);
	if (exitCode === 0) return true;
	if (/credentials not found|no usernames/i.test(output)) return false;
	throw failed(name, 'erase', output, exitCode);
}

/** The servers that a helper has logins for, with the user of each. @throws SealError ERR_CREDENTIALS */
export async function helperList(name: string, options: HelperOptions = {}): Promise<ReadonlyMap<string, string>> {
	const {exitCode, output} = await runHelper(name, 'list', '', options);
	if (exitCode !== 0) throw failed(name, 'list', output, exitCode);
	const pairs = Object.entries(parseAnswer(name, output));
	return new Map(pairs.filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
}

export function programOf(name: string): string {
	return `docker-credential-${name}`;
}

interface HelperAnswer {
	readonly exitCode: number | null;
	readonly output: string;
}

async function runHelper(name: string, verb: string, input: string, options: HelperOptions): Promise<HelperAnswer> {
	// The name comes from a file: a path in it would run any program.
	if (!/^\w[\w.-]{0,100}$/.test(name)) {
		throw new SealError('ERR_CREDENTIALS', `${JSON.stringify(name.slice(0, 100))} is no name of a credential helper`, {
			hint: 'Write what stands behind "docker-credential-" in the name of the program.',
		});
	}
	options.signal?.throwIfAborted();
	const timeoutMs = options.timeoutMs ?? 120_000;
	const timeout = AbortSignal.timeout(timeoutMs);
	const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
	try {
		return await converse(programOf(name), verb, input, signal, options.env);
	} catch (error) {
		options.signal?.throwIfAborted();
		const program = programOf(name);
		if (timeout.aborted) throw unusable(program, `did not answer within ${timeoutMs} ms`, error);
		if (systemCode(error) === 'ENOENT') throw unusable(program, 'is not installed, or not in PATH', error);
		if (isSealError(error) || systemCode(error) === undefined) throw error;
		throw unusable(program, `cannot be run: ${systemCode(error)}`, error);
	}
}

async function converse(
	program: string,
	verb: string,
	input: string,
	signal: AbortSignal,
	env: HelperOptions['env'],
): Promise<HelperAnswer> {
	return await new Promise((resolve, reject) => {
		// What helpers print on stderr is for people, and may hold what is none of ours.
		const child = spawn(program, [verb], {
			stdio: ['pipe', 'pipe', 'ignore'],
			signal,
			killSignal: 'SIGKILL',
			...(env === undefined ? {} : {env: {...env}}),
		});
		const chunks: Buffer[] = [];
		let sizeBytes = 0;
		child.stdout.on('data', (chunk: Buffer) => {
			sizeBytes += chunk.length;
			if (sizeBytes <= maxOutputBytes) chunks.push(chunk);
			else giveUp(unusable(program, `printed more than ${maxOutputBytes} bytes`));
		});
		// What a helper started may outlive it and hold our end of the pipe.
		const giveUp = (error: Error): void => {
			child.kill('SIGKILL');
			child.stdout.destroy();
			reject(error);
		};
		child.on('error', giveUp);
		child.on('close', exitCode => resolve({exitCode, output: Buffer.concat(chunks).toString('utf8')}));
		// A helper that does not read its input ends before we have written it.
		child.stdin.on('error', () => undefined);
		child.stdin.end(input);
	});
}

function parseAnswer(name: string, output: string): Record<string, unknown> {
	try {
		const value = JSON.parse(output) as unknown;
		if (isRecord(value)) return value;
	} catch {
		// The text is not shown: it may hold the secret.
	}
	throw unusable(programOf(name), 'answered with something that is no JSON object');
}

function failed(name: string, verb: string, output: string, exitCode: number | null): SealError {
	const said = output
		.trim()
		.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
		.slice(0, 200);
	return unusable(programOf(name), `${verb} failed${said === '' ? ` with exit code ${exitCode}` : `: ${said}`}`);
}

function unusable(program: string, why: string, cause?: unknown): SealError {
	return new SealError('ERR_CREDENTIALS', `${program} ${why}`, {
		hint: 'Mend or install the helper, or name a file of logins that does without it.',
		details: {program},
		...(cause === undefined ? {} : {cause}),
	});
}
