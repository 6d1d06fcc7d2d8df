import {hasCode} from '../../lib/core/errors.js';
import {addToIndex, createIndex} from '../../lib/oci/index-edit.js';
import {shortReference} from '../../lib/oci/reference.js';
import {defineCommand} from '../command.js';
import {readPairs} from '../key-values.js';
import {readNames, withStore} from '../store.js';

export const command = defineCommand({
	operands: [
		{name: 'NAME', help: 'the name of the index'},
		{name: 'IMAGE', help: 'images of the store to add to it', optional: true, variadic: true, completes: 'image'},
	],
	flags: {
		amend: {type: 'boolean', short: 'a', help: 'add to the index when there is one of this name'},
		replace: {type: 'boolean', help: 'start anew when the name is taken'},
		annotation: {type: 'list', value: 'NAME=VALUE', help: 'an annotation of the index'},
	},
	examples: [{about: 'Two builds, one name', line: 'sealimage manifest create shop:v1 shop:v1-amd64 shop:v1-arm64'}],
	async run({operands, flags}, context) {
		const [name = ''] = readNames('NAME', operands.slice(0, 1));
		const images = operands.slice(1);
		const {signal, onEvent} = context;
		return await withStore(context, async store => {
			const taken = await store.resolve(name, {signal}).then(
				() => true,
				(error: unknown) => {
					if (hasCode(error, 'ERR_IMAGE_UNKNOWN')) return false;
					throw error;
				},
			);
			// Resolved first, so that an unknown image leaves no half-made index.
			for (const image of images) await store.resolve(image, {signal});
			const annotations = readPairs('--annotation', flags.annotation);
			let index =
				taken && flags.amend
					? await store.resolve(name, {signal})
					: await createIndex(store, name, {
							replace: flags.replace,
							...(flags.annotation.length === 0 ? {} : {annotations}),
							signal,
							onEvent,
						});
			for (const image of images) index = await addToIndex(store, name, store, image, {signal, onEvent});
			return {json: {name, digest: index.digest}, text: () => `${shortReference(name)} is ${index.digest}`};
		});
	},
});
