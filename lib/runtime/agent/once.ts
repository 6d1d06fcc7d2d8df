import {Readable} from 'node:stream';
import {SealError} from '../../core/errors.js';
import {createDeferred} from './deferred.js';
import {readLines} from './lines.js';
import {maxRequestBytes} from './protocol.js';
import {createReplyWriter, reportOf} from './replies.js';
import type {AgentSurroundings} from './session.js';
import {loadVerb} from './verbs.js';

/**
 * Runs one verb. Its params are the given text or the first line of stdin; what follows is the verb's `input`. Writes the hello,
 * events and the result or error with the id 0. True when there was a result.
 */
export async function runOnce(
	name: string,
	params: string | undefined,
	surroundings: AgentSurroundings,
): Promise<boolean> {
	const {stdin, stdout, identity, verbs, root, signal} = surroundings;
	const writer = createReplyWriter(stdout);
	const deferred = createDeferred();
	stdout.write('\n');
	await writer.reply({hello: identity});
	try {
		const verb = await loadVerb(verbs, name);
		const lines = readLines(stdin, maxRequestBytes);
		const text = params ?? (await lines.line())?.toString() ?? '';
		const result = await verb.run(verb.parse(parseParams(text)), {
			signal,
			root,
			session: {},
			input: Readable.from(lines.rest(), {objectMode: false}),
			event: event => writer.event(0, event),
			defer: deferred.add,
		});
		await writer.reply({id: 0, result: result ?? null});
		return true;
	} catch (error) {
		await writer.reply({id: 0, error: reportOf(signal.aborted ? signal.reason : error)});
		return false;
	} finally {
		await deferred.close();
	}
}

function parseParams(text: string): unknown {
	if (text.trim() === '') return undefined;
	try {
		return JSON.parse(text);
	} catch (error) {
		throw new SealError('ERR_USAGE', 'The params of the verb are no JSON', {cause: error});
	}
}
