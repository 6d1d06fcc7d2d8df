import type {ImageSource} from '../lib/oci/content.js';
import type {FlagValues} from './command.js';
import type {Context} from './context.js';
import {once} from './once.js';
import type {registryFlags} from './registry-flags.js';

/**
 * All registries as one source, whose code is loaded when something is asked of it: most builds find all that they need in the
 * store, and loading a client for registries takes a tenth of the time of a build that changes nothing.
 */
export function lazyRegistries(
	flags: FlagValues<typeof registryFlags>,
	context: Context,
): {readonly source: ImageSource; close(): Promise<void>} {
	let isOpen = false;
	const open = once(async () => {
		const {openRegistries} = await import('./registry-source.js');
		isOpen = true;
		return openRegistries(flags, context);
	});
	return {
		source: {
			resolve: async (reference, options) => (await open()).resolve(reference, options),
			fetch: async (descriptor, options) => (await open()).fetch(descriptor, options),
			exists: async (descriptor, options) => (await open()).exists(descriptor, options),
		},
		close: async () => {
			if (isOpen) await (await open()).close();
		},
	};
}
