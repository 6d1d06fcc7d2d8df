import {pipeline} from 'node:stream/promises';
import type {Bytes} from '../../core/bytes.js';
import {commandFailed} from '../transport/exec.js';
import type {ExitStatus, OpenTransport, RemoteProcess, SpawnOptions, Transport} from '../transport/transport.js';
import type {EachHostOptions, HostOutcome} from './each.js';
import {HostError} from './error.js';
import {onHosts} from './on-hosts.js';
import type {HostTarget} from './target.js';

export interface ExecOnHostsOptions extends EachHostOptions, Pick<SpawnOptions, 'as' | 'cwd' | 'env'> {
	/** How long the command may take on each host, connecting included. */
	readonly timeoutMs?: number | undefined;
	/** What the command reads, made anew for each host; nothing when absent. */
	readonly input?: ((host: string) => Bytes) | undefined;
	/**
	 * Gets the bytes of a host as they come, stdout and stderr each in order. Until the promise is settled no more is read from that
	 * stream, so a slow reader slows the command and memory stays bounded.
	 */
	readonly onOutput?: ((host: string, stream: OutputStream, chunk: Buffer) => void | Promise<void>) | undefined;
}

export type OutputStream = 'stdout' | 'stderr';

/**
 * Runs one command on many hosts and streams what it writes. Any exit code but 0 is the failure of that host alone, as HostError
 * ERR_COMMAND_FAILED with `details.code` or `details.signal` and the end of what it wrote to stderr.
 * Aborting stops the command on every host.
 */
export async function execOnHosts(
	hosts: readonly HostTarget[],
	open: OpenTransport,
	argv: readonly string[],
	options: ExecOnHostsOptions = {},
): Promise<readonly HostOutcome<void>[]> {
	return await onHosts(hosts, open, transport => execOnHost(transport, argv, options), options);
}

async function execOnHost(transport: Transport, argv: readonly string[], options: ExecOnHostsOptions): Promise<void> {
	const {signal, timeoutMs, as, cwd, env, input} = options;
	const deadline = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
	const signals = [signal, deadline].filter(one => one !== undefined);
	try {
		const running = await transport.spawn(argv, {signal: AbortSignal.any(signals), as, cwd, env});
		// A command that does not read all of its input is its own affair.
		running.stdin.on('error', () => {});
		if (input === undefined) running.stdin.end();
		else void pipeline(input(transport.host), running.stdin).catch(() => {});
		const ended = await follow(running, transport.host, options);
		if (ended.status.code !== 0) throw commandError(transport.host, argv, ended);
	} catch (error) {
		if (deadline?.aborted !== true || signal?.aborted === true) throw error;
		throw new HostError(
			transport.host,
			'ERR_COMMAND_TIMEOUT',
			`The command ${JSON.stringify(argv[0])} did not end within ${timeoutMs! / 1000} s and was stopped`,
			{hint: 'Give it more time, or look on the host for what it waits for.'},
		);
	}
}

interface Ended {
	readonly status: ExitStatus;
	/** The end of it. */
	readonly stderr: Buffer;
}

/** Reads both outputs to their ends. How the command ended says more than a stream that broke with it. */
async function follow(running: RemoteProcess, host: string, {onOutput}: ExecOnHostsOptions): Promise<Ended> {
	let tail: Buffer = Buffer.alloc(0);
	const read = async (stream: OutputStream): Promise<void> => {
		for await (const chunk of running[stream] as AsyncIterable<Buffer>) {
			if (stream === 'stderr') tail = Buffer.concat([tail, chunk.subarray(-tailBytes)]).subarray(-tailBytes);
			await onOutput?.(host, stream, chunk);
		}
	};
	const [status, ...streams] = await Promise.allSettled([running.exit, read('stdout'), read('stderr')]);
	if (status.status === 'rejected') throw status.reason;
	for (const stream of streams) if (stream.status === 'rejected') throw stream.reason;
	return {status: status.value, stderr: tail};
}

function commandError(host: string, argv: readonly string[], ended: Ended): HostError {
	const error = commandFailed(host, argv, ended);
	if (ended.status.code !== 127) return error;
	const hint = `Check that ${JSON.stringify(argv[0])} is installed on the host; "sh -c" runs what only a shell knows.`;
	return new HostError(host, error.code, error.message, {hint, details: error.details});
}

/** Of stderr, for the failure's message. */
const tailBytes = 2048;
