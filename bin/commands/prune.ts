import {rm} from 'node:fs/promises';
import {type Collected, collectGarbage} from '../../lib/oci/store/gc.js';
import {defineCommand} from '../command.js';
import {count, formatBytes} from '../render/units.js';
import {withStore} from '../store.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description:
		'Removes images without a name and everything that no image of the store reaches, interrupted downloads too. What running builds write is kept, and what a server of the store took in within the last hour; older images that it keeps without a tag go. Layers that only the build cache knows go too: the next build writes them again.',
	operands: [],
	flags: {
		all: {type: 'boolean', short: 'a', help: 'forget the build cache too: the next build reads every file again'},
		force: {type: 'boolean', short: 'f', help: 'do not ask'},
		'dry-run': {type: 'boolean', help: 'show what would be removed and remove nothing'},
	},
	examples: [{about: 'In a nightly job', line: 'sealimage prune --force'}],
	async run({flags}, context) {
		const {signal, onEvent, io} = context;
		const asks = !flags.force && !flags['dry-run'];
		if (asks && (io.stdin.isTTY !== true || io.stderr.isTTY !== true)) {
			throw new UsageError('prune asks before it removes anything, and this is no terminal', {
				hint: 'Run it with --force, or look with --dry-run.',
			});
		}
		return await withStore(context, async store => {
			const expected =
				asks || flags['dry-run']
					? await collectGarbage(store, {unnamed: true, partial: true, dryRun: true, signal, onEvent})
					: undefined;
			const question = (): string =>
				`Remove ${count((expected?.images.length ?? 0) + (expected?.untagged.length ?? 0), 'image')} without a name, ${amountOf(expected)}${flags.all ? ', and the build cache' : ''}?`;
			const isNothing = expected !== undefined && isEmpty(expected) && !flags.all;
			const goes = flags.force || (asks && !isNothing && (await context.confirm(question())));
			const collected = goes ? await collectGarbage(store, {unnamed: true, partial: true, signal, onEvent}) : expected;
			if (goes && flags.all) await rm(store.cacheDir, {recursive: true, force: true});
			const {
				images = [],
				untagged = [],
				blobs = [],
				partials = [],
				freedBytes = 0,
				protectedBlobs = 0,
			} = collected ?? {};
			const kept = protectedBlobs > 0 ? `; ${count(protectedBlobs, 'blob')} kept for running builds` : '';
			return {
				json: {
					removed: goes,
					images: [...images, ...untagged.map(({descriptor}) => descriptor)].map(({digest}) => digest),
					blobs,
					partials,
					freedBytes,
					protectedBlobs,
				},
				text: () => {
					const amount = `${amountOf(collected)}${kept}`;
					if (isNothing) return `nothing to remove${kept}`;
					return goes ? `freed ${amount}` : flags['dry-run'] ? `would free ${amount}` : `kept ${amount}`;
				},
			};
		});
	},
});

function amountOf(collected: Collected | undefined): string {
	const {freedBytes = 0, blobs = [], partials = []} = collected ?? {};
	const interrupted = partials.length === 0 ? '' : ` and ${count(partials.length, 'interrupted download')}`;
	return `${formatBytes(freedBytes)} in ${count(blobs.length, 'blob')}${interrupted}`;
}

function isEmpty({images, untagged, blobs, partials}: Collected): boolean {
	return images.length + untagged.length + blobs.length + partials.length === 0;
}
