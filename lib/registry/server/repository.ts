import type {Exchange} from './exchange.js';
import type {Route} from './route.js';

/**
 * The storage's name of the repository that a request is about; empty when it is about none. The one place where the name in
 * the path and the query `ns` (containerd's name of the registry that it would have asked without us) come together.
 */
export function repositoryOf(_exchange: Exchange, route: Route): string {
	return 'name' in route ? route.name : '';
}
