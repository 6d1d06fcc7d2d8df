import {readBefore} from '../../node/before.js';
import {realSystem} from '../../node/system.js';
import {undoWish} from '../../node/undo.js';
import type {Undone} from '../../node/work.js';
import {type Fields, fieldsOf} from '../params.js';
import type {AgentVerb} from '../protocol.js';

/** Puts this host back to how it was before it was first prepared; `before` are its facts of then, when they were kept. */
export const restore: AgentVerb<object, Undone & {readonly before?: Fields | undefined}> = {
	name: 'restore',
	parse: params => fieldsOf(params ?? {}, 'params'),
	async run(_, {root, signal}) {
		const before = await readBefore(root);
		return {...(await undoWish(root, realSystem(), {signal})), ...(before === undefined ? {} : {before})};
	},
};
