import {defineCommand} from '../command.js';
import {type Inspected, inspectImage} from '../inspect-image.js';
import {renderInspected} from '../render/inspected.js';
import {readPlatform, withStore} from '../store.js';

export const command = defineCommand({
	operands: [
		{name: 'IMAGE', help: 'names, digests or short digests of images in the store', variadic: true, completes: 'image'},
	],
	flags: {
		platform: {type: 'string', value: 'PLATFORM', help: 'this platform only', completes: 'platform'},
		images: {type: 'boolean', default: true, help: 'read which container images are embedded'},
	},
	examples: [
		{about: 'What is in it?', line: 'sealimage inspect kubernetes:v1.30'},
		{about: 'One label', line: `sealimage inspect --output json shop:v1 | jq -r '.[0].platforms[0].labels.version'`},
	],
	async run({operands, flags}, context) {
		const platform = readPlatform(flags.platform);
		return await withStore(context, async store => {
			const shown: Inspected[] = [];
			for (const reference of operands)
				shown.push(await inspectImage(store, reference, {platform, readEmbedded: flags.images}, context));
			return {json: shown, text: () => shown.map(image => renderInspected(image, context.style)).join('\n')};
		});
	},
});
