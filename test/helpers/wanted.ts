import type {Wanted} from '../../lib/runtime/facts/wanted.js';

/** A look at a host that asks for no more than what is always told. */
export const nothingMore: Wanted = {
	paths: [],
	modules: [],
	commands: [],
	versions: [],
	services: [],
	sockets: [],
	present: [],
	sysctls: [],
};
