import {join} from 'node:path';
import {parseReference} from '../lib/oci/reference.js';
import {privateFolder} from '../lib/oci/store/layout.js';
import {openStore, type Store} from '../lib/oci/store/store.js';
import {openPlace} from '../lib/registry/place/open.js';
import type {OpenPlace, PlaceOptions} from '../lib/registry/place/options.js';
import {type Place, parsePlace} from '../lib/registry/place/parse.js';
import type {FlagValues, Operand} from './command.js';
import type {Context} from './context.js';
import type {credsFlag, registryFlags} from './registry-flags.js';
import {type GivenCredentials, openRegistries} from './registry-source.js';
import {readArgument, UsageError} from './usage-error.js';

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

/** The login of a flag for the registries of its places. @throws UsageError when none of them is in a registry */
export function credentialsFor(
	creds: string | undefined,
	flag: string,
	places: readonly Place[],
): readonly GivenCredentials[] {
	if (creds === undefined) return [];
	const hosts = places.flatMap(place => (place.kind === 'docker' ? [parseReference(place.reference).domain] : []));
	if (hosts.length === 0) throw new UsageError(`${flag} is a login, and there is no registry to log in to`);
	return [...new Set(hosts)].map(host => ({creds, flag, host}));
}

/**
 * Runs one piece of work with what places need, and closes it after. The store is opened when a place first asks for it:
 * a copy between registries makes no store.
 */
export async function withPlaces<T>(
	context: Context,
	flags: FlagValues<typeof registryFlags>,
	work: (options: PlaceOptions) => Promise<T>,
	given: readonly GivenCredentials[] = [],
): Promise<T> {
	const {io, settings, signal, onEvent} = context;
	const registry = openRegistries(flags, context, given);
	let opening: Promise<Store> | undefined;
	const store = (): Promise<Store> => {
		opening ??= openStore(settings.root.value, {signal, onEvent});
		return opening;
	};
	try {
		// As in the store, which an archive alone is no reason to make.
		const tempDir = join(settings.root.value, privateFolder, 'tmp');
		return await work({store, registry, base: io.cwd, tempDir, signal, onEvent});
	} finally {
		await registry.close();
		await (await opening?.catch(() => undefined))?.close();
	}
}

/** As `withPlaces`, with one place opened, with the login of --creds. @throws UsageError, and as `openPlace` */
export async function withOpenPlace<T>(
	place: Place,
	context: Context,
	flags: FlagValues<typeof registryFlags> & FlagValues<typeof credsFlag>,
	work: (opened: OpenPlace) => Promise<T>,
): Promise<T> {
	return await withPlaces(
		context,
		flags,
		async options => {
			const opened = await openPlace(place, options);
			try {
				return await work(opened);
			} finally {
				await opened.close();
			}
		},
		credentialsFor(flags.creds, '--creds', [place]),
	);
}
