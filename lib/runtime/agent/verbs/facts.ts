import {SealError} from '../../../core/errors.js';
import type {HostFacts} from '../../facts/facts.js';
import {gatherFacts} from '../../facts/gather.js';
import {defaultWanted, type Wanted} from '../../facts/wanted.js';
import {createLocalTransport} from '../../transport/local/local.js';
import type {AgentVerb} from '../protocol.js';

const maxNames = 1000;
const maxNameLength = 4096;

/** The facts of the agent's own host, as `gatherFacts` reads them over any transport; the clock is compared with itself. */
export const facts: AgentVerb<Partial<Wanted>, HostFacts> = {
	name: 'facts',
	parse: parseWanted,
	async run(wanted, {signal}) {
		const transport = createLocalTransport();
		try {
			return await gatherFacts(transport, {wanted, signal});
		} finally {
			await transport.close();
		}
	},
};

function parseWanted(params: unknown): Partial<Wanted> {
	if (params === undefined || params === null) return {};
	if (typeof params !== 'object' || Array.isArray(params)) throw wrong('What is wanted is no object');
	for (const [name, list] of Object.entries(params)) {
		if (!Object.hasOwn(defaultWanted, name))
			throw wrong(`There are no facts named ${JSON.stringify(name.slice(0, 40))}`);
		if (!Array.isArray(list) || list.length > maxNames || !list.every(isName))
			throw wrong(`${name} is no list of names`);
	}
	return params as Partial<Wanted>;
}

function isName(value: unknown): boolean {
	return typeof value === 'string' && value.length <= maxNameLength && !/[\0\r\n]/.test(value);
}

function wrong(message: string): SealError {
	return new SealError('ERR_USAGE', message);
}
