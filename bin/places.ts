import {openStore, type Store} from '../lib/oci/store/store.js';
import type {PlaceOptions} from '../lib/registry/place/open.js';
import {type Place, parsePlace} from '../lib/registry/place/parse.js';
import type {FlagValues, Operand} from './command.js';
import type {Context} from './context.js';
import {openRegistries, type registryFlags} from './registry-source.js';
import {readArgument} from './usage-error.js';

/** How places are explained in help. */
export const placeHelp =
	'A place is docker://HOST/NAME[:TAG][@DIGEST], oci:DIR[:NAME], oci-archive:FILE[:NAME], docker-archive:FILE[:NAME], registry-dir:DIR[:NAME] (the folder of a registry server), or store:NAME. A colon that belongs to a path is written \\:.';

/** The operand of commands that read one image from anywhere. */
export const placeOperand: Operand = {
	name: 'IMAGE',
	help: 'the name, digest or short digest of an image in the store, or a place such as docker://host/name:tag',
	completes: 'place',
};

/** @throws UsageError naming the operand */
export function readPlace(operand: string, text: string, plain: 'store' | 'docker' = 'store'): Place {
	return readArgument(operand, () => parsePlace(text, plain));
}

/**
 * Runs one piece of work with what places need, and closes it after. The store is opened when a place first asks for it:
 * a copy between registries makes no store.
 */
export async function withPlaces<T>(
	context: Context,
	flags: FlagValues<typeof registryFlags>,
	work: (options: PlaceOptions) => Promise<T>,
): Promise<T> {
	const {io, settings, signal, onEvent} = context;
	const registry = openRegistries(flags, context);
	let opening: Promise<Store> | undefined;
	const store = (): Promise<Store> => {
		opening ??= openStore(settings.root.value, {signal, onEvent});
		return opening;
	};
	try {
		return await work({store, registry, base: io.cwd, signal, onEvent});
	} finally {
		await registry.close();
		await (await opening?.catch(() => undefined))?.close();
	}
}
