import type {ImageSource} from '../../oci/content.js';
import type {Registry} from '../client/registry.js';
import type {RepairSource} from './verify.js';

/** Content of the same repositories in a registry. @param base `host[:port]`, or `host/path` below which they are */
export function repairFromRegistry(registry: Registry, base: string): RepairSource {
	return {
		name: `the registry ${base}`,
		resolve: (repository, digest, options) => registry.repository(`${base}/${repository}`).resolve(digest, options),
		fetch: (repository, descriptor, options) => registry.repository(`${base}/${repository}`).fetch(descriptor, options),
	};
}

/** Content of a store, folder or archive, whatever it is called there. */
export function repairFromContent(content: ImageSource, name: string): RepairSource {
	return {
		name,
		resolve: (_, digest, options) => content.resolve(digest, options),
		fetch: (_, descriptor, options) => content.fetch(descriptor, options),
	};
}
