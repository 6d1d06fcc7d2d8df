import type {VerifyReport} from '../../content/content.js';
import {openHostContent} from '../../content/open.js';
import type {AgentVerb} from '../protocol.js';

/** Reads all content of this host again and removes what is damaged. */
export const verify: AgentVerb<undefined, VerifyReport> = {
	name: 'verify',
	parse: () => undefined,
	run: (_, {root, signal, event}) => openHostContent(root).verify({signal, onEvent: event}),
};
