import {shortReference} from '../../lib/oci/reference.js';
import {defineCommand} from '../command.js';
import {loadArchive} from '../load-archive.js';
import {readNames, readPlatform, withStore} from '../store.js';
import {UsageError} from '../usage-error.js';

export const command = defineCommand({
	description:
		'The kind of archive (OCI or docker, compressed or not) is told by its content; a folder is read as an OCI image layout.',
	operands: [],
	flags: {
		input: {
			type: 'string',
			short: 'i',
			value: 'PATH',
			default: '-',
			help: 'the archive or folder; - is stdin',
			completes: 'file',
		},
		tag: {
			type: 'list',
			short: 't',
			value: 'NAME',
			help: 'a name for the image instead of those in the archive, which must hold one image',
		},
		platform: {type: 'string', value: 'PLATFORM', help: 'load this platform only', completes: 'platform'},
	},
	examples: [
		{about: 'What another machine saved', line: 'sealimage load -i site.tar'},
		{about: 'An image of docker', line: 'docker save redis:7 | sealimage load'},
	],
	async run({flags}, context) {
		const {io} = context;
		const platform = readPlatform(flags.platform);
		const tags = readNames('--tag', flags.tag);
		if (flags.input === '-' && io.stdin.isTTY === true)
			throw new UsageError('An archive is not read from a terminal', {hint: 'Name it with -i, or send it to stdin.'});
		return await withStore(context, async store => {
			const loaded = await loadArchive(flags.input, store, context, {platform, tags});
			return {
				json: loaded,
				text: () =>
					loaded.flatMap(({names, digest}) => (names.length === 0 ? [digest] : names.map(shortReference))).join('\n'),
			};
		});
	},
});
