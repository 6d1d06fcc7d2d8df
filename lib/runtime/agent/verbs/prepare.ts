import {applyWish} from '../../node/apply.js';
import {keepBefore} from '../../node/before.js';
import {nodeChanges, titleOfChange} from '../../node/changes.js';
import {realSystem} from '../../node/system.js';
import {type NodeWish, parseWish} from '../../node/wish.js';
import {type Fields, fieldsOf} from '../params.js';
import type {AgentVerb} from '../protocol.js';

export interface PrepareParams {
	readonly wish: NodeWish;
	/** Tell what would be done, and do nothing. */
	readonly dryRun: boolean;
	/** The facts of the host, kept when it is prepared for the first time: `restore` gives them back. */
	readonly before?: Fields | undefined;
}

/** Makes this host as it is wished; each title of the result is an event first, as soon as it is done. */
export const prepare: AgentVerb<PrepareParams, {readonly changes: readonly string[]}> = {
	name: 'prepare',
	parse(params) {
		const fields = fieldsOf(params, 'params');
		return {
			wish: parseWish(fields.wish),
			dryRun: fields.dryRun === true,
			...(fields.before === undefined ? {} : {before: fieldsOf(fields.before, 'before')}),
		};
	},
	async run({wish, dryRun, before}, {root, signal, event}) {
		const system = realSystem();
		if (dryRun) return {changes: (await nodeChanges(wish, system, {signal})).map(titleOfChange)};
		if (before !== undefined) await keepBefore(root, before);
		return {changes: await applyWish(wish, root, system, {signal, onDone: title => event({done: title})})};
	},
};
