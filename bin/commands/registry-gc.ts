import type {CollectedRegistry} from '../../lib/registry/upkeep/inventory.js';
import {defineCommand} from '../command.js';
import {readDuration} from '../duration.js';
import {inventoryFlags, withInventory} from '../registry-inventory.js';
import {count, formatBytes} from '../render/units.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description:
		'Removes blobs that no manifest of their repository names, and uploads that nobody goes on with. A server may take pushes meanwhile. Manifests without a tag are kept unless --untagged is given; what a kept index holds and what refers to a kept image stays in any case. The server of docker-registry itself does not know of this collector: the age guard alone protects what is pushed to it.',
	operands: [],
	flags: {
		...inventoryFlags,
		untagged: {type: 'boolean', help: 'remove manifests that no tag reaches, too'},
		grace: {
			type: 'string',
			value: 'TIME',
			default: '1h',
			help: 'leave alone what is younger; less than a minute only while nobody pushes',
			completes: 'none',
		},
		'upload-idle': {
			type: 'string',
			value: 'TIME',
			default: '24h',
			help: 'drop uploads that nobody went on with for so long',
			completes: 'none',
		},
		force: {type: 'boolean', short: 'f', help: 'do not ask'},
		'dry-run': {type: 'boolean', help: 'show what would be removed and remove nothing'},
	},
	examples: [
		{about: 'In a nightly job, beside the server', line: 'sealimage registry gc --root /srv/registry'},
		{about: 'What would go with old versions of tags?', line: 'sealimage registry gc --untagged --dry-run'},
	],
	async run({flags}, context) {
		const {signal, onEvent, io} = context;
		const {untagged, 'dry-run': dryRun} = flags;
		const graceMs = readDuration('--grace', flags.grace);
		const uploadIdleMs = readDuration('--upload-idle', flags['upload-idle']);
		const asks = untagged && !flags.force && !dryRun;
		if (asks && (io.stdin.isTTY !== true || io.stderr.isTTY !== true)) {
			throw new UsageError('registry gc --untagged asks before it removes images, and this is no terminal', {
				hint: 'Run it with --force, or look with --dry-run.',
			});
		}
		return await withInventory(flags, context, async inventory => {
			const options = {untagged, graceMs, uploadIdleMs, signal, onEvent};
			const expected = asks || dryRun ? await inventory.collect({...options, dryRun: true}) : undefined;
			const goes = !dryRun && (expected === undefined || (await context.confirm(`Remove ${amountOf(expected)}?`)));
			const collected = goes || expected === undefined ? await inventory.collect(options) : expected;
			return {
				json: {removed: goes, ...collected},
				text: () => {
					const kept =
						collected.protectedBlobs === 0 ? '' : `; ${count(collected.protectedBlobs, 'blob')} kept for their age`;
					return `${goes ? 'removed' : dryRun ? 'would remove' : 'kept'} ${amountOf(collected)}${kept}`;
				},
			};
		});
	},
});

function amountOf({untagged, blobs, freedBytes, uploads}: CollectedRegistry): string {
	return [
		`${formatBytes(freedBytes)} in ${count(blobs.length, 'blob')}`,
		...(untagged.length === 0 ? [] : [`${count(untagged.length, 'manifest')} without a tag`]),
		...(uploads === 0 ? [] : [count(uploads, 'upload')]),
	].join(', ');
}
