import {resolvePlatform} from '../../lib/oci/image.js';
import {formatPlace} from '../../lib/registry/place/parse.js';
import {listPlaceReferrers, type Referrer} from '../../lib/registry/place/referrers.js';
import {defineCommand} from '../command.js';
import {placeHelp, placeOperand, readPlace, withOpenPlace} from '../places.js';
import {credsFlag, registryFlags} from '../registry-flags.js';
import {renderTree, type TreeLine} from '../render/tree.js';
import {formatBytes} from '../render/units.js';
import {readPlatform} from '../store.js';

export const command = defineCommand({
	description: `Signatures, attestations and inventories name the image that they are about; this shows them, and what is about them in turn. ${placeHelp}`,
	operands: [placeOperand],
	flags: {
		'artifact-type': {type: 'string', value: 'TYPE', help: 'only artifacts of this type'},
		platform: {type: 'string', value: 'PLATFORM', help: 'of the image for this platform', completes: 'platform'},
		...registryFlags,
		...credsFlag,
	},
	examples: [
		{about: 'Who signed it?', line: 'sealimage referrers docker://registry.example.com/shop:v1.4'},
		{
			about: 'Only software inventories',
			line: 'sealimage referrers --artifact-type application/spdx+json docker://registry.example.com/shop:v1.4',
		},
	],
	async run({operands, flags}, context) {
		const place = readPlace('IMAGE', operands[0] ?? '');
		const platform = readPlatform(flags.platform);
		const {signal} = context;
		return await withOpenPlace(place, context, flags, async opened => {
			const root = await opened.resolve();
			const subject = platform === undefined ? root : await resolvePlatform(opened.content, root, platform, {signal});
			const referrers = await listPlaceReferrers(opened, subject.digest, {
				signal,
				artifactType: flags['artifact-type'],
			});
			return {
				json: {subject: subject.digest, referrers: referrers.map(reportOf)},
				text: () => {
					const top = {text: formatPlace(place), note: subject.digest, children: referrers.map(lineOf)};
					return referrers.length === 0 ? `nothing refers to ${subject.digest}` : renderTree(top, context.style);
				},
			};
		});
	},
});

function reportOf({descriptor, referrers}: Referrer): object {
	return {...descriptor, referrers: referrers.map(reportOf)};
}

function lineOf({descriptor, referrers}: Referrer): TreeLine {
	const {artifactType = descriptor.mediaType, digest, size} = descriptor;
	const created = descriptor.annotations?.['org.opencontainers.image.created'];
	return {
		text: artifactType,
		note: [digest, formatBytes(size), ...(created === undefined ? [] : [created])].join('  '),
		children: referrers.map(lineOf),
	};
}
