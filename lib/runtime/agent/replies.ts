import {once} from 'node:events';
import type {Writable} from 'node:stream';
import {type ErrorReport, isSealError, SealError} from '../../core/errors.js';
import {ioError} from '../../core/io-error.js';
import {type AgentReply, maxReplyBytes} from './protocol.js';

/** Where an agent's replies go. Lines of one request keep their order. */
export interface ReplyWriter {
	/** Drops all but the last event of a request while the operator does not read. */
	event(id: number, event: unknown): void;
	/** Resolves when the operator's side has room for more. Never rejects: a reader that went away is noticed elsewhere. */
	reply(reply: AgentReply): Promise<void>;
}

export function createReplyWriter(stream: Writable): ReplyWriter {
	const held = new Map<number, string>();
	const flush = (): void => {
		for (const [id, line] of held) {
			if (stream.writableNeedDrain) return;
			held.delete(id);
			stream.write(line);
		}
	};
	stream.on('drain', flush);
	return {
		event(id, event) {
			const line = lineOf({id, event});
			if (line === undefined || stream.destroyed) return;
			if (stream.writableNeedDrain) held.set(id, line);
			else stream.write(line);
		},
		async reply(reply) {
			const line = lineOf(reply) ?? lineOf(tooLarge(reply))!;
			if (stream.destroyed) return;
			if ('id' in reply) {
				const last = held.get(reply.id);
				held.delete(reply.id);
				if (last !== undefined) stream.write(last);
			}
			if (!stream.write(line))
				await Promise.race([once(stream, 'drain'), once(stream, 'close')]).catch(() => undefined);
		},
	};
}

/** The report of whatever a verb threw: system errors in words, defects with their message. */
export function reportOf(error: unknown): ErrorReport {
	const known = ioError(error, 'work on', (error as {path?: string} | undefined)?.path ?? 'a file');
	if (isSealError(known)) return known.toJSON();
	const message = known instanceof Error ? known.message : String(known);
	return new SealError('ERR_INTERNAL', `Internal error: ${message}`).toJSON();
}

/** Undefined when it is no JSON or longer than the operator reads. */
function lineOf(reply: AgentReply): string | undefined {
	try {
		const line = `${JSON.stringify(reply)}\n`;
		return Buffer.byteLength(line) > maxReplyBytes ? undefined : line;
	} catch {
		return undefined;
	}
}

function tooLarge(reply: AgentReply): AgentReply {
	const error = new SealError(
		'ERR_AGENT_LIMIT',
		`The answer of the agent is no JSON, or longer than the ${maxReplyBytes} bytes that are allowed`,
	).toJSON();
	return 'id' in reply ? {id: reply.id, error} : {fatal: error};
}
