import {parseJson} from '../../lib/oci/config.js';
import {readDocument, resolvePlatform} from '../../lib/oci/image.js';
import {maxManifestBytes} from '../../lib/oci/manifest.js';
import {defineCommand} from '../command.js';
import {write} from '../io.js';
import {placeHelp, placeOperand, readPlace, withOpenPlace} from '../places.js';
import {credsFlag, registryFlags} from '../registry-flags.js';
import {formatJson} from '../render/json.js';
import {readPlatform} from '../store.js';

export const command = defineCommand({
	description: placeHelp,
	operands: [placeOperand],
	flags: {
		platform: {type: 'string', value: 'PLATFORM', help: 'the manifest of this platform', completes: 'platform'},
		raw: {type: 'boolean', help: 'the exact bytes, which have the digest of the image'},
		...registryFlags,
		...credsFlag,
	},
	examples: [
		{about: 'The platforms of an index', line: "sealimage manifest inspect shop:v1 | jq '.manifests[].platform'"},
		{
			about: 'The digest of an image in a registry, without pulling it',
			line: 'sealimage manifest inspect --raw docker://registry.k8s.io/pause:3.10 | sha256sum',
		},
	],
	async run({operands, flags}, context) {
		const place = readPlace('IMAGE', operands[0] ?? '');
		const platform = readPlatform(flags.platform);
		const {signal} = context;
		return await withOpenPlace(place, context, flags, async opened => {
			const root = await opened.resolve();
			const {content} = opened;
			const descriptor = platform === undefined ? root : await resolvePlatform(content, root, platform, {signal});
			const bytes = await readDocument(content, descriptor, maxManifestBytes, {signal});
			const document = parseJson(bytes, descriptor.digest);
			if (flags.raw) {
				await write(context.io.stdout, bytes);
				return undefined;
			}
			return {json: document, text: () => formatJson(document, 2)};
		});
	},
});
