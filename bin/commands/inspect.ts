import {openPlace} from '../../lib/registry/place/open.js';
import {storeOf} from '../../lib/registry/place/options.js';
import {defineCommand} from '../command.js';
import {type Inspected, inspectImage} from '../inspect-image.js';
import {credentialsFor, placeHelp, placeOperand, readPlace, withPlaces} from '../places.js';
import {credsFlag, registryFlags} from '../registry-flags.js';
import {renderInspected} from '../render/inspected.js';
import {readPlatform} from '../store.js';

export const command = defineCommand({
	description: `${placeHelp} Which container images are embedded is shown for images of the store only, as it is read from a layer.`,
	operands: [{...placeOperand, variadic: true}],
	flags: {
		platform: {type: 'string', value: 'PLATFORM', help: 'this platform only', completes: 'platform'},
		images: {type: 'boolean', default: true, help: 'read which container images are embedded'},
		...registryFlags,
		...credsFlag,
	},
	examples: [
		{about: 'What is in it?', line: 'sealimage inspect kubernetes:v1.30'},
		{about: 'One label', line: `sealimage inspect --output json shop:v1 | jq -r '.[0].platforms[0].labels.version'`},
		{about: 'Before it is pulled', line: 'sealimage inspect docker://registry.example.com/shop:v1'},
	],
	async run({operands, flags}, context) {
		const platform = readPlatform(flags.platform);
		const places = operands.map(text => readPlace('IMAGE', text));
		return await withPlaces(
			context,
			flags,
			async options => {
				const shown: Inspected[] = [];
				for (const [i, place] of places.entries()) {
					const opened = await openPlace(place, options);
					const store = flags.images && place.kind === 'store' ? await storeOf(options) : undefined;
					try {
						shown.push(await inspectImage(opened, operands[i]!, {platform, store}, context));
					} finally {
						await opened.close();
					}
				}
				return {json: shown, text: () => shown.map(image => renderInspected(image, context.style)).join('\n')};
			},
			credentialsFor(flags.creds, '--creds', places),
		);
	},
});
