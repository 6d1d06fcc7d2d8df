import {existsSync} from 'node:fs';
import {type Platform, parsePlatform} from '../lib/oci/platform.js';
import {normalizeReference} from '../lib/oci/reference.js';
import {openStore, type Store} from '../lib/oci/store/store.js';
import type {Context} from './context.js';
import {readArgument} from './usage-error.js';

/** Opens the store of the settings for one piece of work and closes it after. */
export async function withStore<T>(context: Context, work: (store: Store) => Promise<T>): Promise<T> {
	const {signal, onEvent, settings} = context;
	const store = await openStore(settings.root.value, {signal, onEvent});
	try {
		return await work(store);
	} finally {
		await store.close();
	}
}

/** As `withStore`; undefined where there is no store yet: a look is no reason to make one. */
export async function withStoreIfAny<T>(context: Context, work: (store: Store | undefined) => Promise<T>): Promise<T> {
	if (!existsSync(context.settings.root.value)) return await work(undefined);
	return await withStore(context, work);
}

/** The names that a user wrote, in the form in which they are stored. @throws UsageError naming the argument */
export function readNames(argument: string, names: readonly string[]): string[] {
	return names.map(name => readArgument(argument, () => normalizeReference(name)));
}

/** @throws UsageError naming the argument */
export function readPlatforms(texts: readonly string[]): Platform[] {
	return texts.map(text => readArgument('--platform', () => parsePlatform(text)));
}

/** As `readPlatforms`, for a flag that takes one. */
export function readPlatform(text: string | undefined): Platform | undefined {
	return text === undefined ? undefined : readPlatforms([text])[0];
}
