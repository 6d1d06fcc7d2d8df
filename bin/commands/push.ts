import {normalizeReference} from '../../lib/oci/reference.js';
import type {Place} from '../../lib/registry/place/parse.js';
import {defineCommand} from '../command.js';
import {credentialsFor, readPlace, withPlaces} from '../places.js';
import {credsFlag} from '../registry-flags.js';
import {readTransfer, transferAll, transferFlags, transferHelp, transferResult} from '../transfer.js';
import {readArgument, UsageError} from '../usage-error.js';

export const command = defineCommand({
	description: `Without a DESTINATION the image goes where its name says: registry.example.com/shop:v1 to that registry, shop:v1 to Docker Hub. ${transferHelp}`,
	operands: [
		{name: 'IMAGE', help: 'the name, digest or short digest of an image in the store', completes: 'image'},
		{
			name: 'DESTINATION',
			help: 'names in registries, or any other places; several get the same image',
			optional: true,
			variadic: true,
			completes: 'place',
		},
	],
	flags: {...transferFlags, ...credsFlag},
	examples: [
		{about: 'Where the name says', line: 'sealimage push registry.example.com/shop:v1.4'},
		{
			about: 'Elsewhere, under two tags',
			line: 'sealimage push shop:v1.4 registry.example.com/shop:v1.4 registry.example.com/shop:v1',
		},
	],
	async run({operands, flags}, context) {
		const [image = '', ...destinations] = operands;
		const from = readPlace('IMAGE', image);
		const to =
			destinations.length === 0
				? [destinationOf(from)]
				: destinations.map(text => readPlace('DESTINATION', text, 'docker'));
		const request = readTransfer(flags);
		return await withPlaces(
			context,
			flags,
			async options => {
				const done = await transferAll('push', [{from, to}], request, options, context);
				return await transferResult(done, 'sent', flags, context);
			},
			credentialsFor(flags.creds, '--creds', to),
		);
	},
});

/** Where the name of an image says that it belongs. @throws UsageError when it has none */
function destinationOf(from: Place): Place {
	if (from.kind !== 'store' || /^(?:sha(?:256|512):)?[0-9a-f]{6,128}$/.test(from.reference)) {
		throw new UsageError('push needs DESTINATION: this image has no name that says where it belongs', {
			hint: 'Name the target, for example registry.example.com/shop:v1.',
		});
	}
	return {kind: 'docker', reference: readArgument('IMAGE', () => normalizeReference(from.reference))};
}
