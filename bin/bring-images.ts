import {stat} from 'node:fs/promises';
import {resolve} from 'node:path';
import {hasCode} from '../lib/core/errors.js';
import {formatReference, parseReference} from '../lib/oci/reference.js';
import {type PlaceOptions, storeOf} from '../lib/registry/place/options.js';
import type {Context} from './context.js';
import {loadArchive} from './load-archive.js';
import {transferAll} from './transfer.js';

/**
 * The images that a command line names, in the store: archives are loaded, and what is not in the store is fetched from its
 * registry. An archive with several images stands for all of them.
 * @throws SealError ERR_IMAGE_UNKNOWN, and what reading archives and registries throws
 */
export async function bringImages(
	operands: readonly string[],
	places: PlaceOptions,
	context: Context,
): Promise<readonly string[]> {
	const store = await storeOf(places);
	const names: string[] = [];
	for (const operand of operands) {
		if (await isArchive(operand, context)) {
			const loaded = await loadArchive(operand, store, context);
			names.push(...loaded.map(image => image.names[0] ?? image.digest));
			continue;
		}
		try {
			await store.resolve(operand, {signal: context.signal});
			names.push(operand);
		} catch (error) {
			if (!hasCode(error, 'ERR_IMAGE_UNKNOWN') || !isInRegistry(operand)) throw error;
			names.push(await pull(operand, places, context));
		}
	}
	return names;
}

/** A name of an image never has a dot or slash in front; `site.tar` may be either, and the file that is there counts. */
async function isArchive(operand: string, {io}: Context): Promise<boolean> {
	if (!/^[./~]|\.(?:tar|tgz)(?:\.\w+)?$|\.tar\./.test(operand)) return false;
	return await stat(resolve(io.cwd, operand)).then(
		() => true,
		() => false,
	);
}

/** A name alone is one of the store: nobody means a repository of Docker Hub that happens to be called like it. */
function isInRegistry(operand: string): boolean {
	return operand.includes('/') && !/^[0-9a-f]{6,64}$/.test(operand);
}

/** @returns its name in the store: with tag and digest it is the tag */
async function pull(operand: string, places: PlaceOptions, context: Context): Promise<string> {
	const {digest, ...rest} = parseReference(operand);
	const reference = formatReference(rest.tag === undefined ? {...rest, digest} : rest);
	const from = {
		kind: 'docker',
		reference: formatReference({...rest, ...(digest === undefined ? {} : {digest})}),
	} as const;
	const request = {platform: undefined, keepIndex: true, concurrency: undefined, recheck: false};
	await transferAll('pull', [{from, to: [{kind: 'store', reference}]}], request, places, context);
	return reference;
}
