import type {Platform} from '../lib/oci/platform.js';
import type {Store} from '../lib/oci/store.js';
import type {Context} from './context.js';
import {readArgument} from './usage-error.js';

/** Opens the store of the settings for one piece of work and closes it after. */
export async function withStore<T>(context: Context, work: (store: Store) => Promise<T>): Promise<T> {
	const {openStore} = await import('../lib/oci/store.js');
	const {signal, onEvent, settings} = context;
	const store = await openStore(settings.root.value, {signal, onEvent});
	try {
		return await work(store);
	} finally {
		await store.close();
	}
}

/** The names that a user wrote, in the form in which they are stored. @throws UsageError naming the argument */
export async function readNames(argument: string, names: readonly string[]): Promise<string[]> {
	const {normalizeReference} = await import('../lib/oci/reference.js');
	return names.map(name => readArgument(argument, () => normalizeReference(name)));
}

/** @throws UsageError naming the argument */
export async function readPlatforms(texts: readonly string[]): Promise<Platform[]> {
	const {parsePlatform} = await import('../lib/oci/platform.js');
	return texts.map(text => readArgument('--platform', () => parsePlatform(text)));
}

/** As `readPlatforms`, for a flag that takes one. */
export async function readPlatform(text: string | undefined): Promise<Platform | undefined> {
	return text === undefined ? undefined : (await readPlatforms([text]))[0];
}
