import {removeFromIndex} from '../../lib/oci/index-edit.js';
import {shortReference} from '../../lib/oci/reference.js';
import {defineCommand} from '../command.js';
import {readNames, withStore} from '../store.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	operands: [
		{name: 'NAME', help: 'the name of the index', completes: 'image'},
		{
			name: 'IMAGE',
			help: 'the images to take out: digests or names that have them',
			optional: true,
			variadic: true,
			completes: 'image',
		},
	],
	flags: {},
	examples: [{about: 'Drop a platform', line: 'sealimage manifest rm shop:v1 shop:v1-riscv64'}],
	async run({operands}, context) {
		const [name = ''] = readNames('NAME', operands.slice(0, 1));
		const images = operands.slice(1);
		if (images.length === 0) {
			throw new UsageError('manifest rm needs IMAGE: the images to take out of the index', {
				hint: `To remove the index itself, run "sealimage rmi ${operands[0]}".`,
			});
		}
		const {signal, onEvent} = context;
		return await withStore(context, async store => {
			let index = await store.resolve(name, {signal});
			for (const image of images) index = await removeFromIndex(store, name, image, {signal, onEvent});
			return {json: {name, digest: index.digest}, text: () => `${shortReference(name)} is ${index.digest}`};
		});
	},
});
