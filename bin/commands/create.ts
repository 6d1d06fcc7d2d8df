import {resolve} from 'node:path';
import {unpackTree} from '../../lib/oci/disk/unpack.js';
import {loadImage} from '../../lib/oci/image.js';
import {isIndexType} from '../../lib/oci/media-types.js';
import {formatPlatform, hostPlatform} from '../../lib/oci/platform.js';
import {defineCommand} from '../command.js';
import {imageTree} from '../image-tree.js';
import {count, formatBytes} from '../render/units.js';
import {readPlatform, withStore} from '../store.js';

export const command = defineCommand({
	description:
		'The folder must not exist or be empty; it appears whole or not at all. Owners are kept when this runs as root.',
	operands: [
		{name: 'IMAGE', help: 'the name, digest or short digest of an image in the store', completes: 'image'},
		{name: 'DIR', help: 'the folder to make', completes: 'folder'},
	],
	flags: {
		platform: {
			type: 'string',
			value: 'PLATFORM',
			help: 'the platform to unpack of a multi-platform image (default: that of this machine)',
			completes: 'platform',
		},
		owners: {type: 'boolean', help: 'fail when the owners of files cannot be kept'},
	},
	examples: [
		{about: 'Look at what hosts would get', line: 'sealimage create kubernetes:v1.30 ./rootfs --platform linux/arm64'},
	],
	async run({operands, flags}, context) {
		const [reference = '', target = ''] = operands;
		const wanted = readPlatform(flags.platform);
		const path = resolve(context.io.cwd, target);
		return await withStore(context, async store => {
			const descriptor = await store.resolve(reference, {signal: context.signal});
			const platform = wanted ?? (isIndexType(descriptor.mediaType) ? hostPlatform() : undefined);
			const image = await loadImage(store, descriptor, platform, {signal: context.signal});
			const tree = await imageTree(store, image, context);
			const report = await unpackTree(tree, store, path, {
				signal: context.signal,
				onEvent: context.onEvent,
				...(flags.owners ? {owners: true} : {}),
			});
			return {
				json: {path, reference, platform: formatPlatform(image.config), digest: image.descriptor.digest, ...report},
				text: () =>
					`${path}${context.quiet ? '' : `: ${count(report.entries, 'file')}, ${formatBytes(report.sizeBytes)}`}`,
			};
		});
	},
});
