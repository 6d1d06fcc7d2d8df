import {openPlace} from '../../lib/registry/place/open.js';
import {parsePlace} from '../../lib/registry/place/parse.js';
import type {StorageInventory} from '../../lib/registry/upkeep/inventory.js';
import {repairFromContent, repairFromRegistry} from '../../lib/registry/upkeep/repair-source.js';
import {type RegistryFinding, type RegistryVerification, verifyRegistry} from '../../lib/registry/upkeep/verify.js';
import {defineCommand, type FlagValues} from '../command.js';
import type {Context} from '../context.js';
import {exitCodes} from '../exit-codes.js';
import {withPlaces} from '../places.js';
import {credsFlag, registryFlags} from '../registry-flags.js';
import {inventoryFlags, withInventory} from '../registry-inventory.js';
import {printable} from '../render/text.js';
import {count, formatBytes} from '../render/units.js';
import {readArgument} from '../usage-error.js';

export const command = defineCommand({
	description:
		'Reads every byte again and follows every manifest: digests, sizes, links, and whether all that images name is there. Everything that is wrong is listed with the images that it hits; the exit code is 1 then. With --repair-from what is damaged or missing is fetched again and exchanged in one step, beside a running server too.',
	operands: [],
	flags: {
		...inventoryFlags,
		'repair-from': {
			type: 'string',
			value: 'PLACE',
			help: 'a registry (docker://HOST[/PATH]) with repositories of the same names, or a place with the content: registry-dir:DIR, oci:DIR, oci-archive:FILE, docker-archive:FILE',
			completes: 'place',
		},
		...registryFlags,
		...credsFlag,
	},
	examples: [
		{about: 'After a crash of the disk', line: 'sealimage registry verify --root /srv/registry'},
		{
			about: 'Fetch again what was lost',
			line: 'sealimage registry verify --root /srv/registry --repair-from docker://mirror.example.com',
		},
	],
	async run({flags}, context) {
		return await withInventory(flags, context, async inventory => {
			const found = await verify(inventory, flags, context);
			const wrong = found.findings.some(({mended}) => !mended);
			return {
				json: found,
				text: () => render(found, inventory, context),
				exitCode: wrong ? exitCodes.failure.code : exitCodes.ok.code,
			};
		});
	},
});

type VerifyFlags = FlagValues<typeof registryFlags & typeof credsFlag> & {readonly 'repair-from': string | undefined};

async function verify(
	inventory: StorageInventory,
	flags: VerifyFlags,
	context: Context,
): Promise<RegistryVerification> {
	const {signal, onEvent} = context;
	const from = flags['repair-from'];
	if (from === undefined) return await verifyRegistry(inventory, {signal, onEvent});
	const base = /^docker:\/\/(.+?)\/*$/.exec(from)?.[1];
	if (base !== undefined) {
		const host = base.replace(/\/.*$/, '');
		const given = flags.creds === undefined ? [] : [{creds: flags.creds, host}];
		const work = async ({registry}: {registry?: Parameters<typeof repairFromRegistry>[0] | undefined}) =>
			await verifyRegistry(inventory, {signal, onEvent, repairFrom: repairFromRegistry(registry!, base)});
		return await withPlaces(context, flags, work, given);
	}
	const place = readArgument('--repair-from', () => parsePlace(from));
	return await withPlaces(context, flags, async options => {
		const opened = await openPlace(place, options);
		try {
			const repairFrom = repairFromContent(opened.content, from);
			return await verifyRegistry(inventory, {signal, onEvent, repairFrom});
		} finally {
			await opened.close();
		}
	});
}

function render(found: RegistryVerification, inventory: StorageInventory, {style}: Context): string {
	const {findings, repositories, manifests, blobs, sizeBytes, missingChildren} = found;
	const bad = findings.filter(({mended}) => !mended).length;
	const state = bad === 0 ? style.green('ok') : style.red('damaged');
	const mended = findings.length - bad;
	const summary = [
		count(repositories, 'repository').replace(/ys$/, 'ies'),
		count(manifests, 'manifest'),
		`${count(blobs, 'blob')}, ${formatBytes(sizeBytes)}`,
		...(bad === 0 ? [] : [`${bad} wrong`]),
		...(mended === 0 ? [] : [`${mended} mended`]),
	];
	return [
		...findings.flatMap(finding => lines(finding)),
		`${state} ${inventory.name}: ${summary.join(', ')}`,
		...(missingChildren === 0 ? [] : [`  ${count(missingChildren, 'image')} of indexes not here, which is allowed`]),
	].join('\n');
}

const maxImages = 10;

function lines({code, message, images, mended}: RegistryFinding): readonly string[] {
	const more = images.length > maxImages ? [`and ${images.length - maxImages} more`] : [];
	const hit = images.length === 0 ? 'no image needs it' : [...images.slice(0, maxImages), ...more].join(', ');
	return [`${mended ? 'mended' : 'wrong'}: ${printable(message)} [${code}]`, `  ${printable(hit)}`];
}
