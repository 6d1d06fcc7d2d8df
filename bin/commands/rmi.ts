import {hasCode, SealError} from '../../lib/core/errors.js';
import {isDigest} from '../../lib/oci/digest.js';
import {normalizeReference, shortReference} from '../../lib/oci/reference.js';
import {collectGarbage} from '../../lib/oci/store/gc.js';
import type {Store, StoredImage} from '../../lib/oci/store/store.js';
import {defineCommand} from '../command.js';
import type {Context} from '../context.js';
import {formatBytes} from '../render/units.js';
import {withStore} from '../store.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description:
		'Content goes with the last name that reaches it. An image given by digest or short digest goes with its name; with several names it needs --force.',
	operands: [
		{
			name: 'IMAGE',
			help: 'names, digests or short digests of images in the store',
			optional: true,
			variadic: true,
			completes: 'image',
		},
	],
	flags: {
		force: {
			type: 'boolean',
			short: 'f',
			help: 'remove all names of an image given by digest, and pass over images that do not exist',
		},
		all: {type: 'boolean', short: 'a', help: 'remove every image'},
	},
	examples: [
		{about: 'One name', line: 'sealimage rmi shop:v1.3'},
		{about: 'Everything in the store', line: 'sealimage rmi --all'},
	],
	async run({operands, flags}, context) {
		if (flags.all === operands.length > 0) {
			throw new UsageError(flags.all ? 'rmi --all takes no IMAGE' : 'rmi needs IMAGE: names of images in the store', {
				hint: flags.all ? undefined : 'Name images, or remove all of them with --all.',
			});
		}
		const {signal, onEvent} = context;
		return await withStore(context, async store => {
			const images = await store.list({facts: false, signal});
			const chosen = flags.all
				? images.map(image => ({names: image.names, digest: image.descriptor.digest, whole: true}))
				: await choose(store, images, operands, flags.force, context);
			for (const {names, digest, whole} of chosen) {
				for (const name of names) await store.untag(name, {signal});
				if (whole) await store.editEntries(entries => entries.filter(entry => entry.digest !== digest), {signal});
			}
			const {blobs, freedBytes} = await collectGarbage(store, {signal, onEvent});
			const removed = chosen.map(({names, digest}) => ({names, digest}));
			return {
				json: {removed, freedBytes, blobs: blobs.length},
				text: () =>
					[
						...removed.flatMap(({names, digest}) =>
							names.length === 0 ? [`removed ${digest}`] : names.map(name => `removed ${shortReference(name)}`),
						),
						...(context.quiet ? [] : [`freed ${formatBytes(freedBytes)}`]),
					].join('\n'),
			};
		});
	},
});

interface Chosen {
	readonly names: readonly string[];
	readonly digest: string;
	/** Given by digest: the image goes even when no name is left to take away. */
	readonly whole: boolean;
}

/** Everything is resolved before anything is removed: a typo in the third name must not cost the first two. */
async function choose(
	store: Store,
	images: readonly StoredImage[],
	references: readonly string[],
	force: boolean,
	{signal}: Context,
): Promise<Chosen[]> {
	const chosen: Chosen[] = [];
	for (const reference of references) {
		const name = exactName(reference, images);
		if (name !== undefined) {
			const {digest} = await store.resolve(name, {signal});
			if (!chosen.some(other => other.names.includes(name))) chosen.push({names: [name], digest, whole: false});
			continue;
		}
		const found = await store.resolve(reference, {signal}).catch((error: unknown) => {
			if (force && hasCode(error, 'ERR_IMAGE_UNKNOWN')) return undefined;
			throw error;
		});
		if (found === undefined) continue;
		const names = images.find(image => image.descriptor.digest === found.digest)?.names ?? [];
		if (names.length > 1 && !force) {
			throw new SealError(
				'ERR_USAGE',
				`The image ${reference} has ${names.length} names: ${names.map(shortReference).join(', ')}`,
				{
					hint: 'Remove the names one by one, or all with --force.',
				},
			);
		}
		chosen.push({names, digest: found.digest, whole: true});
	}
	return chosen;
}

function exactName(reference: string, images: readonly StoredImage[]): string | undefined {
	if (isDigest(reference)) return undefined;
	try {
		const name = normalizeReference(reference);
		return images.some(image => image.names.includes(name)) ? name : undefined;
	} catch {
		// 64 hexadecimal digits are an id and no name.
		return undefined;
	}
}
