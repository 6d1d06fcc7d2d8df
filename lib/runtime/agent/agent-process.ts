import {isSealError, SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {HostError} from '../host/error.js';
import type {ExitStatus, RemoteProcess, Transport} from '../transport/transport.js';
import {type LineReader, readLines} from './lines.js';
import {type AgentIdentity, maxReplyBytes} from './protocol.js';
import {checkProtocol, findHello, printable} from './reply.js';

/** Where the agent is installed on a host. */
export const agentPath = '/opt/sealimage/bin/sealimage-agent';

export interface AgentProcessOptions extends Abortable {
	/** The program on the host. Default `agentPath`. */
	readonly path?: string | undefined;
	/** The content store's folder on the host. Default `/var/lib/sealimage`. */
	readonly root?: string | undefined;
	/** For the agent to say hello; default 30 s. */
	readonly timeoutMs?: number | undefined;
}

/** An agent that has said hello. */
export interface AgentProcess {
	readonly identity: AgentIdentity;
	readonly program: RemoteProcess;
	/** The replies. */
	readonly lines: LineReader;
	/** The end of what it wrote to stderr, as one line. */
	stderrTail(): string;
}

/**
 * Starts the agent on a host and reads what comes until its hello.
 * @throws HostError ERR_AGENT_MISSING, ERR_AGENT_START, ERR_AGENT_PROTOCOL, and those of the transport
 */
export async function startAgent(
	transport: Transport,
	args: readonly string[],
	options: AgentProcessOptions & {readonly signal: AbortSignal},
): Promise<AgentProcess> {
	const {host} = transport;
	const {path = agentPath, root, timeoutMs = 30_000, signal} = options;
	const stop = new AbortController();
	const argv = [path, ...(root === undefined ? [] : ['--root', root]), ...args];
	const program = await transport.spawn(argv, {signal: AbortSignal.any([signal, stop.signal])});
	// Its failure is met where it is awaited; a process that nobody waits for any more fails in silence.
	program.exit.catch(() => undefined);
	program.stdin.on('error', () => undefined);
	const stderrTail = keepTail(program);
	let isLate = false;
	const timer = setTimeout(() => {
		isLate = true;
		stop.abort(new HostError(host, 'ERR_AGENT_START', `The agent does not answer within ${timeoutMs / 1000} s`));
	}, timeoutMs);
	try {
		const lines = readLines(program.stdout, maxReplyBytes);
		const identity = await awaitHello(lines);
		if (identity === undefined) throw startError(host, path, await program.exit, stderrTail());
		checkProtocol(host, identity);
		return {identity, program, lines, stderrTail};
	} catch (error) {
		signal.throwIfAborted();
		const why = await whyBroken(program, error);
		const reason = isLate ? stop.signal.reason : hostError(host, why);
		stop.abort(reason);
		throw reason;
	} finally {
		clearTimeout(timer);
	}
}

/** A stream that breaks off is no error of its own: when the connection was lost, the end of the process says so. */
export async function whyBroken({exit}: RemoteProcess, error: unknown): Promise<unknown> {
	if (isSealError(error)) return error;
	return await exit.then(
		() => error,
		(reason: unknown) => reason,
	);
}

/** An error of ours, with the host that it is about. */
export function hostError(host: string, error: unknown): unknown {
	if (!isSealError(error) || error instanceof HostError) return error;
	const {code, message, hint, details, cause} = error;
	return new HostError(host, code, message, {hint, details, cause});
}

/** Of what login shells print before the command runs. */
const maxPreambleBytes = 256 * 1024;
const maxPreambleLines = 4096;

async function awaitHello(lines: LineReader): Promise<AgentIdentity | undefined> {
	let left = maxPreambleBytes;
	for (let count = 0; count < maxPreambleLines && left > 0; count++) {
		const line = await lines.line();
		if (line === undefined) return undefined;
		left -= line.length;
		const identity = findHello(line);
		if (identity !== undefined) return identity;
	}
	throw new SealError('ERR_AGENT_PROTOCOL', 'The host prints on and on before the agent says hello', {
		hint: "Look at what the profile of the user's shell prints.",
	});
}

/** Why an agent that has ended did not start. */
export function startError(host: string, path: string, status: ExitStatus, stderr: string): HostError {
	const install = `Install it with "sealimage agent install ${host}".`;
	const details = {...status, ...(stderr === '' ? {} : {stderr})};
	if (/error while loading shared libraries|GLIBC(?:XX)?_[\d.]+['"]? not found/.test(stderr)) {
		return new HostError(host, 'ERR_AGENT_LIBRARY', `The agent lacks a library: ${printable(stderr, 200)}`, {
			hint: 'The agent needs glibc 2.28 or newer and libstdc++: install libstdc++ (libstdc++6 on Debian), or use a newer system.',
			details,
		});
	}
	if (status.code === 127)
		return new HostError(host, 'ERR_AGENT_MISSING', `There is no agent at ${path}`, {hint: install, details});
	if (status.code === 126) {
		return new HostError(host, 'ERR_AGENT_START', `The host does not let programs in ${path} run`, {
			hint: 'Look whether /opt is mounted with noexec, or whether a policy of the host forbids it.',
			details,
		});
	}
	const how = status.signal === undefined ? `with exit code ${status.code}` : `by the signal ${status.signal}`;
	const said = stderr === '' ? '' : `: ${printable(stderr, 300)}`;
	return new HostError(host, 'ERR_AGENT_START', `The agent ended ${how} before it said hello${said}`, {
		hint: `Look at it with "sealimage agent status ${host}".`,
		details,
	});
}

const tailBytes = 4096;

function keepTail({stderr}: RemoteProcess): () => string {
	let tail = '';
	stderr.on('error', () => undefined);
	stderr.on('data', (chunk: Buffer) => {
		tail = (tail + chunk.toString('latin1', Math.max(0, chunk.length - tailBytes))).slice(-tailBytes);
	});
	return () => printable(Buffer.from(tail, 'latin1').toString(), 1000);
}
