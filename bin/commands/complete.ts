import {defineCommand} from '../command.js';
import {verbs} from '../commands.js';
import {type CompletionItem, complete} from '../completion/complete.js';

export const command = defineCommand({
	operands: [
		{
			name: 'WORD',
			help: 'the words of the command line so far, the unfinished one last',
			optional: true,
			variadic: true,
		},
	],
	flags: {},
	examples: [],
	async run({operands}, {settings, signal}) {
		const items = await complete(operands, verbs, async kind => {
			if (kind === 'cluster') {
				const {openClusterCache} = await import('../../lib/runtime/state/cache.js');
				return (await openClusterCache(settings.clusters.value).list()).map(({name}) => name);
			}
			const {existsSync} = await import('node:fs');
			if (!existsSync(settings.root.value)) return [];
			const {openStore} = await import('../../lib/oci/store/store.js');
			const {shortReference} = await import('../../lib/oci/reference.js');
			const store = await openStore(settings.root.value, {signal, create: false});
			const images = await store.list({facts: false, signal});
			await store.close();
			return images.flatMap(image => image.names.map(shortReference));
		}).catch((): CompletionItem[] => []);
		return {json: items, text: () => items.map(item => `${item.text}\t${item.about}`).join('\n')};
	},
});
