import {mayAlso} from './admit.js';
import type {Exchange} from './exchange.js';
import type {Route} from './route.js';
import {namespacedRepository} from './upstream/namespace.js';

/**
 * The storage's name of the repository that a request is about; empty when it is about none. The one place where the name in
 * the path and the query `ns` (containerd's name of the registry that it would have asked without us) come together.
 * @throws Refusal NAME_INVALID
 */
export async function repositoryOf(exchange: Exchange, route: Route): Promise<string> {
	if (!('name' in route)) return '';
	const {parts, query, method} = exchange;
	const ns = query.get('ns') ?? '';
	if (ns === '') return route.name;
	const isRead = method === 'GET' || method === 'HEAD';
	// Who may not read the plain name is not told either, by the way that is taken, whether there is something under it.
	const mayRead = async (plain: string): Promise<boolean> => isRead && (await mayAlso(exchange, ['pull'], plain));
	return await namespacedRepository(parts.storage, ns, route, mayRead);
}
