import {isSealError, type SealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import {HostError} from '../host/error.js';
import type {Transport} from '../transport/transport.js';
import {type Answers, readAnswers} from './answers.js';
import {Conversation} from './conversation.js';
import type {HostFacts} from './facts.js';
import {factsOf} from './read.js';
import {factsScript} from './script.js';
import {defaultWanted, type Wanted} from './wanted.js';

export interface GatherOptions extends OperationOptions {
	/** What to look for, where it differs from `defaultWanted`. */
	readonly wanted?: Partial<Wanted> | undefined;
	/** How long the host may take once it has the script. Default 30 s. */
	readonly timeoutMs?: number | undefined;
	/** How long it may take to come there: connecting, logging in, becoming root, and whoever is asked for a password. Default 5 min. */
	readonly startTimeoutMs?: number | undefined;
	/** Default `root`; as whoever logs in, some facts cannot be learnt. */
	readonly as?: 'root' | 'login' | undefined;
	/** The operator's clock, in milliseconds since 1970. */
	readonly now?: (() => number) | undefined;
}

/** What is asked beside the facts, in the same round trip. */
export interface Beside<T> {
	/** As that of a `Probe`; it comes after those of the facts. */
	readonly script: string;
	/** Never throws: what cannot be read is absent. */
	readonly read: (answers: Answers) => T;
}

/**
 * Reads the facts of a host in one round trip: a script of POSIX shell that changes nothing and needs no tool but the shell.
 * @throws HostError as `Transport.spawn`; ERR_FACTS when the answer is none, does not come in time, or does not end
 */
export async function gatherFacts(transport: Transport, options: GatherOptions = {}): Promise<HostFacts> {
	return (await gatherBeside(transport, {script: '', read: () => undefined}, options)).facts;
}

/** As `gatherFacts`, with what else is to be known of the host. @throws as `gatherFacts` */
export async function gatherBeside<T>(
	transport: Transport,
	beside: Beside<T>,
	options: GatherOptions = {},
): Promise<{readonly facts: HostFacts; readonly beside: T}> {
	options.signal?.throwIfAborted();
	const wanted = {...defaultWanted, ...options.wanted};
	const deadline = new AbortController();
	const signals = [deadline.signal, ...(options.signal === undefined ? [] : [options.signal])];
	const signal = AbortSignal.any(signals);
	let timeoutMs = options.startTimeoutMs ?? 300_000;
	let timer = setTimeout(() => deadline.abort(), timeoutMs);
	let conversation: Conversation | undefined;
	try {
		// The script comes over stdin, so that it is in no process list and no log of sudo; `cat` takes it in one read.
		const remote = await transport.spawn(['sh', '-c', 'eval "$(cat)"'], {as: options.as, signal});
		conversation = new Conversation(remote, options.now ?? Date.now);
		clearTimeout(timer);
		timeoutMs = options.timeoutMs ?? 30_000;
		timer = setTimeout(() => deadline.abort(), timeoutMs);
		await conversation.ask(factsScript(wanted, beside.script));
		const answers = readAnswers(conversation.output);
		return {facts: factsOf(transport.host, answers, wanted, conversation), beside: beside.read(answers)};
	} catch (error) {
		options.signal?.throwIfAborted();
		if (deadline.signal.aborted) throw tooSlow(transport.host, timeoutMs, conversation?.output);
		throw isSealError(error) && error.code === 'ERR_FACTS' ? onHost(transport.host, error, conversation) : error;
	} finally {
		clearTimeout(timer);
		// With a reason of its own: for one that is not given Node makes an error with a stack, for each of thousands of hosts.
		deadline.abort('over');
	}
}

/** The same with the host's name, and with what the host said in place of facts. */
function onHost(host: string, {message, hint}: SealError, conversation?: Conversation): HostError {
	const said = conversation?.complaint ?? '';
	return new HostError(host, 'ERR_FACTS', message, {hint, ...(said === '' ? {} : {details: {said}})});
}

function tooSlow(host: string, timeoutMs: number, output: Uint8Array = new Uint8Array()): HostError {
	const last = readAnswers(output).last?.slice(0, 100);
	const where = last === undefined ? 'before it told anything' : `after "${last}"`;
	return new HostError(
		host,
		'ERR_FACTS',
		`The facts did not come within ${timeoutMs / 1000} s: the host stopped ${where}`,
		{
			hint: 'Look on the host for a network file system whose server is gone, or for a process that nothing can stop.',
		},
	);
}
