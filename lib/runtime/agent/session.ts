import type {Writable} from 'node:stream';
import {setTimeout as sleep} from 'node:timers/promises';
import type {Bytes} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import {createDeferred} from './deferred.js';
import {readLines} from './lines.js';
import {type AgentIdentity, type AgentRequest, maxRequestBytes, maxRequests, silenceMs} from './protocol.js';
import {createReplyWriter, type ReplyWriter, reportOf} from './replies.js';
import {type AgentVerbs, loadVerb} from './verbs.js';

/** What the agent's process gives to its verbs. */
export interface AgentSurroundings {
	readonly stdin: Bytes;
	readonly stdout: Writable;
	readonly identity: AgentIdentity;
	readonly verbs: AgentVerbs;
	/** The content store's folder. */
	readonly root: string;
	/** Ends everything. */
	readonly signal: AbortSignal;
}

/**
 * Serves requests until stdin ends, the operator is silent for too long, the signal is aborted or a line makes no sense.
 * Then everything that runs is aborted and what was deferred is closed; resolves when that is done, or has taken too long.
 */
export async function runSession(
	surroundings: AgentSurroundings,
	limits: {readonly silenceMs?: number; readonly graceMs?: number} = {},
): Promise<void> {
	const {stdin, stdout, identity, signal} = surroundings;
	const writer = createReplyWriter(stdout);
	const over = new AbortController();
	const end = (why: string): void => over.abort(new SealError('ERR_ABORTED', why));
	const abort = (): void => end('The agent was told to stop');
	signal.addEventListener('abort', abort, {once: true});
	stdout.once('close', () => end('The operator went away'));
	if (signal.aborted) abort();
	const heard = watchSilence(limits.silenceMs ?? silenceMs, () => end('The operator is silent'), over.signal);
	const requests = openRequests(surroundings, writer);
	// An empty line first: what a login shell printed without a newline must not swallow the hello.
	stdout.write('\n');
	await writer.reply({hello: identity});
	try {
		await Promise.race([serve(stdin, heard, requests), aborted(over.signal)]);
	} catch (error) {
		if (!over.signal.aborted) await writer.reply({fatal: reportOf(error)});
	} finally {
		end('The operator ended the session');
		signal.removeEventListener('abort', abort);
		await requests.stop(over.signal.reason, limits.graceMs ?? graceMs);
	}
}

/** For what is aborted to clean up. */
const graceMs = 5000;

async function serve(stdin: Bytes, heard: () => void, requests: Requests): Promise<void> {
	const lines = readLines(stdin, maxRequestBytes, heard);
	for (let line = await lines.line(); line !== undefined; line = await lines.line()) {
		if (line.length > 0) requests.take(parseRequest(line));
	}
}

interface Requests {
	take(request: AgentRequest): void;
	stop(reason: unknown, withinMs: number): Promise<void>;
}

function openRequests(surroundings: AgentSurroundings, writer: ReplyWriter): Requests {
	const running = new Map<number, {readonly controller: AbortController; readonly done: Promise<void>}>();
	const deferred = createDeferred();
	const session = {};
	const run = async (id: number, name: string, params: unknown, signal: AbortSignal): Promise<void> => {
		try {
			const verb = await loadVerb(surroundings.verbs, name);
			const context = {
				signal,
				root: surroundings.root,
				session,
				event: (event: unknown) => writer.event(id, event),
				defer: deferred.add,
			};
			const result = await verb.run(verb.parse(params), context);
			await writer.reply({id, result: result ?? null});
		} catch (error) {
			await writer.reply({id, error: reportOf(signal.aborted ? signal.reason : error)});
		} finally {
			running.delete(id);
		}
	};
	return {
		take(request) {
			const {id} = request;
			if ('cancel' in request) {
				running.get(id)?.controller.abort(new SealError('ERR_ABORTED', 'The operator aborted the request'));
				return;
			}
			if (running.has(id)) throw new SealError('ERR_AGENT_PROTOCOL', `The request ${id} is under way already`);
			if (running.size >= maxRequests) {
				const error = new SealError('ERR_AGENT_LIMIT', `More than ${maxRequests} requests are under way`);
				void writer.reply({id, error: error.toJSON()});
				return;
			}
			const controller = new AbortController();
			// Begun in a later turn, so that `running` knows of it before it can end.
			const done = Promise.resolve().then(() => run(id, request.verb, request.params, controller.signal));
			running.set(id, {controller, done});
		},
		async stop(reason, withinMs) {
			for (const {controller} of running.values()) controller.abort(reason);
			const settled = Promise.all([...running.values()].map(({done}) => done)).then(() => deferred.close());
			await Promise.race([settled, sleep(withinMs)]);
		},
	};
}

function parseRequest(line: Buffer): AgentRequest {
	let value: unknown;
	try {
		value = JSON.parse(line.toString());
	} catch (error) {
		throw new SealError('ERR_AGENT_PROTOCOL', 'A request is no JSON', {cause: error});
	}
	const {id, verb, params, cancel} = (value ?? {}) as Record<string, unknown>;
	if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) {
		if (cancel === true) return {id, cancel};
		if (typeof verb === 'string') return {id, verb, params};
	}
	throw new SealError('ERR_AGENT_PROTOCOL', 'A request has no number, or neither a verb nor a cancel');
}

/** Calls `onSilence` when the function that it gives has not been called for so long. */
function watchSilence(limitMs: number, onSilence: () => void, over: AbortSignal): () => void {
	let last = performance.now();
	const timer = setInterval(
		() => {
			if (performance.now() - last <= limitMs) return;
			// After a long stop of the process, what has arrived meanwhile is read first.
			const before = last;
			setTimeout(() => {
				if (last === before) onSilence();
			}, 100);
		},
		Math.max(10, limitMs / 4),
	);
	over.addEventListener('abort', () => clearInterval(timer), {once: true});
	return () => {
		last = performance.now();
	};
}

async function aborted(signal: AbortSignal): Promise<never> {
	return await new Promise((_, reject) => {
		if (signal.aborted) reject(signal.reason as Error);
		signal.addEventListener('abort', () => reject(signal.reason as Error), {once: true});
	});
}
