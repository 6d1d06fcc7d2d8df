import {configFile} from '../lib/lb/config.js';
import type {Flags} from './command.js';

export const balancerFlags = {
	config: {
		type: 'string',
		value: 'FILE',
		default: configFile,
		help: 'the file that describes the load balancer',
		completes: 'file',
	},
} as const satisfies Flags;
