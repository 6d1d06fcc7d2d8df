import {loadImage} from '../../lib/oci/image.js';
import {defineCommand} from '../command.js';
import {renderTable} from '../render/table.js';
import {truncate} from '../render/text.js';
import {formatAge, formatBytes} from '../render/units.js';
import {readPlatform, withStore} from '../store.js';

export const command = defineCommand({
	operands: [{name: 'IMAGE', help: 'the name, digest or short digest of an image in the store', completes: 'image'}],
	flags: {
		platform: {
			type: 'string',
			value: 'PLATFORM',
			help: 'the platform to show of a multi-platform image',
			completes: 'platform',
		},
		trunc: {type: 'boolean', default: true, help: 'cut long instructions to the width of the terminal'},
	},
	examples: [{about: 'Newest step first, whole lines', line: 'sealimage history --no-trunc shop:v1'}],
	async run({operands, flags}, context) {
		const platform = readPlatform(flags.platform);
		return await withStore(context, async store => {
			const descriptor = await store.resolve(operands[0]!, {signal: context.signal});
			const {config, manifest} = await loadImage(store, descriptor, platform, {signal: context.signal});
			let layer = 0;
			const steps = (config.history ?? []).map(step => {
				const blob = step.empty_layer === true ? undefined : manifest.layers[layer++];
				return {
					created: step.created,
					createdBy: step.created_by ?? '',
					comment: step.comment,
					...(blob === undefined ? {} : {digest: blob.digest, sizeBytes: blob.size}),
				};
			});
			const room = Math.max(20, context.width - 40);
			return {
				json: steps.toReversed(),
				text: () =>
					renderTable(
						[{title: 'CREATED'}, {title: 'CREATED BY'}, {title: 'SIZE', align: 'right'}, {title: 'COMMENT'}],
						steps
							.toReversed()
							.map(step => [
								formatAge(step.created, context.io.now()),
								flags.trunc && context.io.stdout.isTTY === true ? truncate(step.createdBy, room) : step.createdBy,
								step.sizeBytes === undefined ? '0 B' : formatBytes(step.sizeBytes),
								step.comment ?? '',
							]),
						context.style,
					),
			};
		});
	},
});
