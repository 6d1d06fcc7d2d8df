import {parseJson} from '../../lib/oci/config.js';
import {readDocument, resolvePlatform} from '../../lib/oci/image.js';
import {maxManifestBytes} from '../../lib/oci/manifest.js';
import {defineCommand} from '../command.js';
import {write} from '../io.js';
import {formatJson} from '../render/json.js';
import {readPlatform, withStore} from '../store.js';

export const command = defineCommand({
	operands: [
		{name: 'NAME', help: 'the name, digest or short digest of an image or index in the store', completes: 'image'},
	],
	flags: {
		platform: {type: 'string', value: 'PLATFORM', help: 'the manifest of this platform', completes: 'platform'},
		raw: {type: 'boolean', help: 'the exact bytes, which have the digest of the image'},
	},
	examples: [
		{about: 'The platforms of an index', line: "sealimage manifest inspect shop:v1 | jq '.manifests[].platform'"},
	],
	async run({operands, flags}, context) {
		const platform = readPlatform(flags.platform);
		const {signal} = context;
		return await withStore(context, async store => {
			const root = await store.resolve(operands[0]!, {signal});
			const descriptor = platform === undefined ? root : await resolvePlatform(store, root, platform, {signal});
			const bytes = await readDocument(store, descriptor, maxManifestBytes, {signal});
			const document = parseJson(bytes, descriptor.digest);
			if (flags.raw) {
				await write(context.io.stdout, bytes);
				return undefined;
			}
			return {json: document, text: () => formatJson(document, 2)};
		});
	},
});
