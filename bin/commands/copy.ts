import type {Place} from '../../lib/registry/place/parse.js';
import {defineCommand} from '../command.js';
import type {Context} from '../context.js';
import {credentialsFor, placeHelp, readPlace, withPlaces} from '../places.js';
import {readTransfer, transferAll, transferFlags, transferHelp, transferResult} from '../transfer.js';

export const command = defineCommand({
	description: `${placeHelp} A name without any of these is in the store.\n\n${transferHelp}\n\nAn archive is written as a whole and replaces one of that name; to a folder images are added.`,
	operands: [
		{name: 'SOURCE', help: 'the image to copy', completes: 'place'},
		{name: 'TARGET', help: 'where to copy it to; several get the same image', variadic: true, completes: 'place'},
	],
	flags: {
		...transferFlags,
		'src-creds': {
			type: 'string',
			value: 'USER[:PASSWORD]',
			help: 'the login for the registry of SOURCE',
			completes: 'none',
		},
		'dest-creds': {
			type: 'string',
			value: 'USER[:PASSWORD]',
			help: 'the login for the registries of TARGET',
			completes: 'none',
		},
	},
	examples: [
		{
			about: 'From one registry to another, under two tags',
			line: 'sealimage copy docker://registry.example.com/shop:v1.4 docker://mirror.example.com/shop:v1.4 docker://mirror.example.com/shop:v1',
		},
		{
			about: 'To a disk, for a site without network',
			line: 'sealimage copy shop:v1.4 oci-archive:/media/disk/shop.tar:shop:v1.4',
		},
		{
			about: 'Into the folder of a registry server',
			line: 'sealimage copy docker://registry.k8s.io/pause:3.10 registry-dir:/var/lib/registry:pause:3.10',
		},
	],
	async run({operands, flags}, context) {
		const [source = '', ...targets] = operands;
		const from = readPlace('SOURCE', source);
		const to = targets.map(text => readPlace('TARGET', text));
		for (const place of to) noteStored(from, place, targets, context);
		const request = readTransfer(flags);
		const logins = [
			...credentialsFor(flags['dest-creds'], '--dest-creds', to),
			...credentialsFor(flags['src-creds'], '--src-creds', [from]),
		];
		return await withPlaces(
			context,
			flags,
			async options => {
				const done = await transferAll('copy', [{from, to}], request, options, context);
				return await transferResult(done, 'copied', flags, context);
			},
			logins,
		);
	},
});

/** A host in front of a name makes people expect a push. */
function noteStored(from: Place, to: Place, written: readonly string[], {note}: Context): void {
	if (from.kind !== 'store' || to.kind !== 'store' || !written.includes(to.reference)) return;
	if (/^[^/]*[.:][^/]*\//.test(to.reference)) {
		note(`${to.reference} will be a name in the store; write docker://${to.reference} to send the image there.`);
	}
}
