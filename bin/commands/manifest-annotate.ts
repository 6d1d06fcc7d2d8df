import {annotateIndex, annotateWholeIndex} from '../../lib/oci/index-edit.js';
import {shortReference} from '../../lib/oci/reference.js';
import {defineCommand} from '../command.js';
import {platformEditFlags, readPlatformEdit} from '../platform-edit.js';
import {readNames, withStore} from '../store.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description:
		'With an IMAGE, changes what the index says about it; with --index, the annotations of the index itself.',
	operands: [
		{name: 'NAME', help: 'the name of the index', completes: 'image'},
		{
			name: 'IMAGE',
			help: 'the image in it: a digest or a name that has this digest',
			optional: true,
			completes: 'image',
		},
	],
	flags: {index: {type: 'boolean', help: 'annotate the index itself'}, ...platformEditFlags},
	examples: [
		{about: 'Correct a platform', line: 'sealimage manifest annotate shop:v1 shop:v1-arm --arch arm --variant v7'},
	],
	async run({operands, flags}, context) {
		const [name = ''] = readNames('NAME', operands.slice(0, 1));
		const image = operands[1];
		const edit = readPlatformEdit(flags);
		if (flags.index === (image !== undefined)) throw new UsageError('manifest annotate needs either IMAGE or --index');
		if (Object.keys(edit).length === 0)
			throw new UsageError('manifest annotate needs something to change, for example --annotation');
		if (flags.index && Object.keys(edit).some(key => key !== 'annotations'))
			throw new UsageError('manifest annotate --index takes --annotation only: an index has no platform');
		const {signal, onEvent} = context;
		return await withStore(context, async store => {
			const index =
				image === undefined
					? await annotateWholeIndex(store, name, edit.annotations ?? {}, {signal, onEvent})
					: await annotateIndex(store, name, image, {...edit, signal, onEvent});
			return {json: {name, digest: index.digest}, text: () => `${shortReference(name)} is ${index.digest}`};
		});
	},
});
