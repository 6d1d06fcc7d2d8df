import {type ListedTag, listRegistry} from '../../lib/registry/upkeep/list.js';
import {defineCommand} from '../command.js';
import {inventoryFlags, withInventory} from '../registry-inventory.js';
import {renderTable} from '../render/table.js';
import {count, formatAge, formatBytes, shortDigest} from '../render/units.js';

export const command = defineCommand({
	description:
		'Shows every repository with its tags, the tag pushed last first. What images share is counted once in the sum of a repository, and once in the sum of all.',
	operands: [{name: 'REPOSITORY', help: 'only this repository', optional: true, completes: 'none'}],
	flags: {
		...inventoryFlags,
		digests: {type: 'boolean', help: 'print whole digests'},
	},
	examples: [
		{about: 'A registry folder', line: 'sealimage registry list --root /srv/registry'},
		{
			about: 'Names for a script',
			line: "sealimage registry list --root /srv/registry --output json | jq -r '.repositories[].repository'",
		},
	],
	async run({operands, flags}, context) {
		const {signal, style, io} = context;
		return await withInventory(flags, context, async inventory => {
			const listing = await listRegistry(inventory, {signal, only: operands[0]});
			const row = (repository: string, tag: ListedTag): readonly string[] => [
				repository,
				tag.tag,
				flags.digests ? tag.digest : shortDigest(tag.digest),
				formatAge(tag.pushedAt ?? tag.created, io.now()),
				tag.damage === undefined ? formatBytes(tag.sizeBytes) : 'damaged',
				tag.platforms.join(', '),
			];
			return {
				json: listing,
				text: () => {
					const titles = ['REPOSITORY', 'TAG', 'DIGEST', 'PUSHED', 'SIZE', 'PLATFORMS'];
					const rows = listing.repositories.flatMap(({repository, tags}) => tags.map(tag => row(repository, tag)));
					const untagged = listing.repositories.reduce((sum, {untagged: some}) => sum + some, 0);
					const total = `${count(listing.repositories.length, 'repository').replace(/ys$/, 'ies')}, ${count(rows.length, 'tag')}, ${formatBytes(listing.sizeBytes)}${untagged === 0 ? '' : `; ${count(untagged, 'manifest')} without a tag`}`;
					const columns = titles.map(title =>
						title === 'SIZE' ? ({title, align: 'right'} as const) : ({title} as const),
					);
					return context.quiet ? renderTable(columns, rows, style) : `${renderTable(columns, rows, style)}${total}\n`;
				},
			};
		});
	},
});
