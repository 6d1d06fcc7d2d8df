import type {GcReport} from '../../content/content.js';
import {openHostContent} from '../../content/open.js';
import {fieldsOf, listIn, textIn} from '../params.js';
import type {AgentVerb} from '../protocol.js';

const maxNames = 100_000;
const maxNameChars = 1024;

export interface GcParams {
	/** Forget images of other names first. */
	readonly keep?: readonly string[] | undefined;
}

/** Removes the content of this host that no image needs. */
export const gc: AgentVerb<GcParams, GcReport> = {
	name: 'gc',
	parse(params) {
		const fields = fieldsOf(params ?? {}, 'params');
		if (fields.keep === undefined) return {};
		return {keep: listIn(fields, 'keep', maxNames, name => textIn({keep: name}, 'keep', maxNameChars))};
	},
	run: ({keep}, {root, signal, event}) => openHostContent(root).gc({keep, signal, onEvent: event}),
};
