import {shortReference} from '../../lib/oci/reference.js';
import {defineCommand} from '../command.js';
import {readNames, withStore} from '../store.js';

export const command = defineCommand({
	operands: [
		{name: 'IMAGE', help: 'the name, digest or short digest of an image in the store', completes: 'image'},
		{name: 'NAME', help: 'the names to give it; a name that another image has moves', variadic: true},
	],
	flags: {},
	examples: [
		{
			about: 'Give a release a moving name too',
			line: 'sealimage tag shop:v1.4.2 shop:v1.4 registry.example.com/shop:v1.4.2',
		},
	],
	async run({operands}, context) {
		const [source = '', ...names] = operands;
		const wanted = readNames('NAME', names);
		return await withStore(context, async store => {
			const descriptor = await store.resolve(source, {signal: context.signal});
			for (const name of wanted) await store.tag(name, descriptor, {signal: context.signal});
			return {
				json: {digest: descriptor.digest, names: wanted},
				text: () =>
					context.quiet ? '' : wanted.map(name => `${shortReference(name)} is ${descriptor.digest}`).join('\n'),
			};
		});
	},
});
