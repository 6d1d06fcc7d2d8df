import {formatPlatform} from '../../lib/oci/platform.js';
import {shortReference} from '../../lib/oci/reference.js';
import {mergeImages} from '../../lib/sealfile/merge/merge.js';
import {defineCommand} from '../command.js';
import {readNames, readPlatforms, withStore} from '../store.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description:
		'The result has the files, labels, variables and commands of all, commands in the order given. Where images differ in a file, label or variable the merge stops and lists every conflict, unless --on-conflict says whose counts.',
	operands: [
		{name: 'IMAGE', help: 'two or more images in the store, the rootfs first', variadic: true, completes: 'image'},
	],
	flags: {
		tag: {type: 'string', short: 't', value: 'NAME', help: 'the name of the result'},
		platform: {
			type: 'list',
			separator: ',',
			value: 'PLATFORM',
			help: 'the platforms of the result (default: those that every image has)',
			completes: 'platform',
		},
		'on-conflict': {
			type: 'string',
			value: 'WHOSE',
			choices: ['error', 'first', 'last'],
			default: 'error',
			help: 'what counts where images differ',
		},
		timestamp: {
			type: 'integer',
			value: 'SECONDS',
			help: 'the creation time in seconds since 1970 (default: the newest of the images)',
		},
	},
	examples: [
		{about: 'One image for a whole site', line: 'sealimage merge -t site:v1 kubernetes:v1.30 ingress:v1 shop:v1.4'},
	],
	async run({operands, flags}, context) {
		if (operands.length < 2) throw new UsageError('merge needs two or more images');
		const [name] = readNames('--tag', flags.tag === undefined ? [] : [flags.tag]);
		const platforms = readPlatforms(flags.platform);
		const {signal, onEvent} = context;
		return await withStore(context, async store => {
			const merged = await mergeImages(store, operands, {
				as: name,
				...(platforms.length === 0 ? {} : {platforms}),
				onConflict: flags['on-conflict'],
				...(flags.timestamp === undefined ? {} : {created: new Date(flags.timestamp * 1000).toISOString()}),
				signal,
				onEvent,
			});
			for (const {kind, name: what, images} of merged.conflicts)
				if (!context.quiet)
					context.note(`warning: ${kind} ${what} differs in ${images.join(', ')}; the ${flags['on-conflict']} counts`);
			return {
				json: {
					digest: merged.descriptor.digest,
					name,
					platforms: merged.platforms.map(formatPlatform),
					conflicts: merged.conflicts,
				},
				text: () =>
					context.quiet || name === undefined
						? merged.descriptor.digest
						: `${shortReference(name)} is ${merged.descriptor.digest} for ${merged.platforms.map(formatPlatform).join(', ')}`,
			};
		});
	},
});
