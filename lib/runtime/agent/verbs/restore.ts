import {realSystem} from '../../node/system.js';
import {type Undone, undoWish} from '../../node/undo.js';
import {fieldsOf} from '../params.js';
import type {AgentVerb} from '../protocol.js';

/** Puts this host back to how it was before it was first prepared. */
export const restore: AgentVerb<object, Undone> = {
	name: 'restore',
	parse: params => fieldsOf(params ?? {}, 'params'),
	run: (_, {root, signal}) => undoWish(root, realSystem(), {signal}),
};
