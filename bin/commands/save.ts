import {resolve} from 'node:path';
import type {ArchiveItem} from '../../lib/oci/archive/write.js';
import {isDigest} from '../../lib/oci/digest.js';
import {normalizeReference} from '../../lib/oci/reference.js';
import type {Store} from '../../lib/oci/store/store.js';
import {defineCommand} from '../command.js';
import type {Context} from '../context.js';
import {archiveFormats, saveImages, streamImages} from '../save-images.js';
import {readPlatform, withStore} from '../store.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description:
		'Several images share the content they have in common. Without --dest the archive goes to stdout, unless that is a terminal.',
	operands: [
		{name: 'IMAGE', help: 'names, digests or short digests of images in the store', variadic: true, completes: 'image'},
	],
	flags: {
		dest: {
			type: 'string',
			short: 'o',
			value: 'PATH',
			help: 'the file, or for oci-dir the folder, to write',
			completes: 'file',
		},
		format: {
			type: 'string',
			value: 'FORMAT',
			choices: archiveFormats,
			default: 'oci-archive',
			help: 'docker-archive also loads into docker older than 25, and holds one platform per image',
		},
		platform: {type: 'string', value: 'PLATFORM', help: 'save this platform only', completes: 'platform'},
	},
	examples: [
		{
			about: 'A cluster and its applications for a site without network',
			line: 'sealimage save -o site.tar kubernetes:v1.30 ingress:v1 shop:v1.4',
		},
		{about: 'Straight to another machine', line: 'sealimage save shop:v1.4 | ssh host sealimage load'},
	],
	async run({operands, flags}, context) {
		const {io} = context;
		const platform = readPlatform(flags.platform);
		if (flags.dest === undefined && flags.format === 'oci-dir')
			throw new UsageError('save --format oci-dir needs --dest: the folder to write');
		if (flags.dest === undefined && io.stdout.isTTY === true) {
			throw new UsageError('An archive is not written to a terminal', {
				hint: 'Name a file with -o, or send the output to another program.',
			});
		}
		return await withStore(context, async store => {
			const items = await resolveItems(store, operands, context);
			if (flags.dest === undefined || flags.dest === '-') {
				await streamImages(
					store,
					items,
					flags.format === 'oci-dir' ? 'oci-archive' : flags.format,
					platform,
					io.stdout,
					context,
				);
				return undefined;
			}
			const path = resolve(io.cwd, flags.dest);
			await saveImages(store, items, {format: flags.format, path}, platform, context);
			const images = items.map(({names, descriptor}) => ({names, digest: descriptor.digest}));
			return {json: {path, format: flags.format, images}, text: () => (context.quiet ? '' : path)};
		});
	},
});

/** An image that is named several times is written once with all those names; one named by digest has none. */
async function resolveItems(store: Store, references: readonly string[], {signal}: Context): Promise<ArchiveItem[]> {
	const items = new Map<string, {descriptor: ArchiveItem['descriptor']; names: string[]}>();
	const listed = await store.list({facts: false, signal});
	const known = new Set(listed.flatMap(image => image.names));
	for (const reference of references) {
		const descriptor = await store.resolve(reference, {signal});
		const item = items.get(descriptor.digest) ?? {descriptor, names: []};
		items.set(descriptor.digest, item);
		const name = nameOf(reference);
		if (name !== undefined && known.has(name) && !item.names.includes(name)) item.names.push(name);
	}
	return [...items.values()];
}

function nameOf(reference: string): string | undefined {
	if (isDigest(reference)) return undefined;
	try {
		return normalizeReference(reference);
	} catch {
		return undefined;
	}
}
