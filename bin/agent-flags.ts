import type {Flags} from './command.js';

/** Where the agent comes from. */
export const agentFlags = {
	'agent-dir': {
		type: 'string',
		value: 'DIR',
		help: 'take the agent for hosts from this folder, which "agent fetch --to" makes, instead of from the npm registry',
		completes: 'folder',
	},
} as const satisfies Flags;
