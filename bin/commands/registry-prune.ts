import {planPrune, pruneTags} from '../../lib/registry/upkeep/prune.js';
import {defineCommand} from '../command.js';
import {readDuration} from '../duration.js';
import {inventoryFlags, withInventory} from '../registry-inventory.js';
import {count} from '../render/units.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description:
		'Keeps the newest tags of each repository and removes the rest, with the manifests that only those kept. Images that a kept tag reaches stay, and what refers to them. By push the newest is the one whose tag moved last; by creation the one whose image says the latest time; by version the highest one, numbers by value and a pre-release before its release, as semver.org has it: tags that say no version, such as latest, then stay. Content goes with the next collection (registry gc), once it is older than the age guard.',
	operands: [{name: 'REPOSITORY', help: 'only this repository', optional: true, completes: 'none'}],
	flags: {
		...inventoryFlags,
		keep: {type: 'integer', value: 'N', minimum: 0, help: 'how many tags of each repository stay'},
		'older-than': {
			type: 'string',
			value: 'TIME',
			help: 'of the rest only what was pushed longer ago (where the storage does not note it: created)',
			completes: 'none',
		},
		order: {
			type: 'string',
			value: 'ORDER',
			default: 'pushed',
			choices: ['pushed', 'created', 'version'],
			help: 'what makes a tag new',
		},
		force: {type: 'boolean', short: 'f', help: 'do not ask'},
		'dry-run': {type: 'boolean', help: 'show what would be removed and remove nothing'},
	},
	examples: [
		{about: 'The last ten of each', line: 'sealimage registry prune --root /srv/registry --keep 10'},
		{
			about: 'In a nightly job',
			line: 'sealimage registry prune --keep 5 --older-than 30d --order version --force && sealimage registry gc',
		},
	],
	async run({operands, flags}, context) {
		const {signal, io} = context;
		const {keep, 'older-than': age, 'dry-run': dryRun} = flags;
		if (keep === undefined) {
			throw new UsageError('registry prune needs --keep N: how many tags of each repository stay', {
				hint: 'Look first, with sealimage registry prune --keep 10 --dry-run.',
			});
		}
		const asks = !flags.force && !dryRun;
		if (asks && (io.stdin.isTTY !== true || io.stderr.isTTY !== true)) {
			throw new UsageError('registry prune asks before it removes images, and this is no terminal', {
				hint: 'Run it with --force, or look with --dry-run.',
			});
		}
		const olderThan = age === undefined ? undefined : new Date(io.now() - readDuration('--older-than', age));
		return await withInventory(flags, context, async inventory => {
			const plan = await planPrune(inventory, {keep, olderThan, order: flags.order, only: operands[0], signal});
			const names = plan.tags.map(({repository, tag}) => `${repository}:${tag}`);
			const isNothing = plan.tags.length === 0;
			if (asks && !isNothing) context.note(names.join('\n'));
			const goes =
				!dryRun && !isNothing && (flags.force || (await context.confirm(`Remove ${count(names.length, 'tag')}?`)));
			if (goes) await pruneTags(inventory, plan, {signal});
			return {
				json: {removed: goes, ...plan},
				text: () => {
					if (isNothing) return 'nothing to remove';
					const verb = goes ? 'removed' : dryRun ? 'would remove' : 'kept';
					const manifests = `${count(plan.manifests.length, 'manifest')} that only they kept`;
					return [...names.map(name => `${verb} ${name}`), `${verb} ${count(names.length, 'tag')}, ${manifests}`].join(
						'\n',
					);
				},
			};
		});
	},
});
