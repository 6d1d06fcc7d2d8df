import type {OperationOptions} from '../../core/events.js';
import {RegistryError} from '../exchange/error.js';
import {badList, listPages} from './pages.js';
import type {Wire} from './wire.js';

const maxRepositories = 500_000;
const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const namePattern = new RegExp(`^${component}(?:/${component})*$`);

/**
 * The repositories that a registry lists, in byte order; names that are none are left out. Many public registries list
 * nothing to anybody.
 * @throws RegistryError ERR_REGISTRY_UNSUPPORTED when it has no catalog, ERR_REGISTRY_UNAUTHORIZED
 */
export async function listRepositories(
	wire: Wire,
	host: string,
	options: OperationOptions = {},
): Promise<readonly string[]> {
	const request = {host, repository: '', path: '/v2/_catalog', query: 'n=1000'};
	const found = new Set<string>();
	let isKnown = false;
	for await (const {value} of listPages(wire, request, options)) {
		isKnown = true;
		const names = (value as {repositories?: unknown} | null)?.repositories ?? [];
		if (!Array.isArray(names)) throw badList(request, 'holds no list of repositories');
		for (const name of names) {
			if (typeof name === 'string' && name.length <= 255 && namePattern.test(name)) found.add(name);
		}
		if (found.size > maxRepositories) throw badList(request, `has more than ${maxRepositories} repositories`);
	}
	if (!isKnown) {
		throw new RegistryError('ERR_REGISTRY_UNSUPPORTED', `${host} does not list its repositories`, {
			status: 404,
			hint: 'Name the repository: its tags can be listed.',
		});
	}
	return [...found].toSorted((a, b) => (a < b ? -1 : Number(a > b)));
}
