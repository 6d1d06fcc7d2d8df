import {formatReference, parseReference} from '../../lib/oci/reference.js';
import {formatPlace, type Place} from '../../lib/registry/place/parse.js';
import {defineCommand} from '../command.js';
import {credentialsFor, readPlace, withPlaces} from '../places.js';
import {credsFlag} from '../registry-flags.js';
import {readTransfer, transferAll, transferFlags, transferHelp, transferResult} from '../transfer.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description: `Names without a host are images of Docker Hub. ${transferHelp}`,
	operands: [
		{name: 'IMAGE', help: 'names of images in registries, with tag or digest', variadic: true, completes: 'image'},
	],
	flags: {...transferFlags, ...credsFlag},
	examples: [
		{about: 'All platforms of an image', line: 'sealimage pull registry.example.com/shop:v1.4'},
		{about: 'One platform, by digest for a script', line: 'sealimage pull --quiet --platform linux/arm64 redis:7'},
	],
	async run({operands, flags}, context) {
		const transfers = operands.map(text => {
			const from = readPlace('IMAGE', text, 'docker');
			return {from, to: [stored(from)]};
		});
		const request = readTransfer(flags);
		return await withPlaces(
			context,
			flags,
			async options => {
				const done = await transferAll('pull', transfers, request, options, context);
				return await transferResult(done, 'fetched', flags, context);
			},
			credentialsFor(
				flags.creds,
				'--creds',
				transfers.map(({from}) => from),
			),
		);
	},
});

/** The name in the store. With tag and digest it is the tag: the digest only says what it has to be. */
function stored(from: Place): Place {
	if (from.kind !== 'docker') {
		throw new UsageError(`pull takes images from registries, and ${formatPlace(from)} is none`, {
			hint: `Write sealimage copy ${formatPlace(from)} NAME.`,
		});
	}
	const {digest, ...rest} = parseReference(from.reference);
	return {kind: 'store', reference: formatReference(rest.tag === undefined ? {...rest, digest} : rest)};
}
