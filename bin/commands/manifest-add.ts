import {addToIndex} from '../../lib/oci/index-edit.js';
import {shortReference} from '../../lib/oci/reference.js';
import {defineCommand} from '../command.js';
import {platformEditFlags, readPlatformEdit} from '../platform-edit.js';
import {readNames, readPlatform, withStore} from '../store.js';

export const command = defineCommand({
	description:
		'An image that is an index itself adds all its images. An image that is in the index already is replaced.',
	operands: [
		{name: 'NAME', help: 'the name of the index', completes: 'image'},
		{name: 'IMAGE', help: 'images of the store to add', variadic: true, completes: 'image'},
	],
	flags: {
		platform: {type: 'string', value: 'PLATFORM', help: 'add only this platform of an index', completes: 'platform'},
		...platformEditFlags,
	},
	examples: [{about: 'One more platform', line: 'sealimage manifest add shop:v1 shop:v1-riscv64'}],
	async run({operands, flags}, context) {
		const [name = ''] = readNames('NAME', operands.slice(0, 1));
		const platform = readPlatform(flags.platform);
		const edit = readPlatformEdit(flags);
		const {signal, onEvent} = context;
		return await withStore(context, async store => {
			for (const image of operands.slice(1)) await store.resolve(image, {signal});
			let index = await store.resolve(name, {signal});
			for (const image of operands.slice(1))
				index = await addToIndex(store, name, store, image, {...edit, platform, signal, onEvent});
			return {json: {name, digest: index.digest}, text: () => `${shortReference(name)} is ${index.digest}`};
		});
	},
});
