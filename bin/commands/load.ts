import {stat} from 'node:fs/promises';
import {resolve} from 'node:path';
import {addAbortSignal} from 'node:stream';
import {withIo} from '../../lib/core/io-error.js';
import type {ArchivedImage, ImageArchive} from '../../lib/oci/archive/archive.js';
import {openLayoutDir} from '../../lib/oci/archive/layout-dir.js';
import {openArchive} from '../../lib/oci/archive/open.js';
import {copyContent} from '../../lib/oci/copy.js';
import {normalizeReference, shortReference} from '../../lib/oci/reference.js';
import type {Store} from '../../lib/oci/store/store.js';
import {defineCommand} from '../command.js';
import type {Context} from '../context.js';
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
			const archive = await openInput(flags.input, store, context);
			try {
				const images = await archive.images();
				if (tags.length > 0 && images.length !== 1)
					throw new UsageError(`--tag names one image, and ${inputName(flags.input)} holds ${images.length}`);
				const loaded: Array<{readonly names: readonly string[]; readonly digest: string}> = [];
				for (const image of images) {
					const copied = await copyContent(archive, image.descriptor, store, {
						platform,
						signal: context.signal,
						onEvent: context.onEvent,
					});
					const names = tags.length > 0 ? tags : storedNames(image);
					for (const name of names.length === 0 ? [copied.digest] : names)
						await store.tag(name, copied, {signal: context.signal});
					if (names.length === 0) context.note(`${copied.digest} has no name; give it one with "sealimage tag".`);
					loaded.push({names, digest: copied.digest});
				}
				return {
					json: loaded,
					text: () =>
						loaded.flatMap(({names, digest}) => (names.length === 0 ? [digest] : names.map(shortReference))).join('\n'),
				};
			} finally {
				await archive.close();
			}
		});
	},
});

async function openInput(input: string, store: Store, {io, signal, onEvent}: Context): Promise<ImageArchive> {
	const options = {tempDir: store.tempDir, signal};
	if (input === '-') {
		// A stream that waits for more does not look at the signal; its error may come before anyone reads it.
		addAbortSignal(signal, io.stdin).on('error', () => {});
		return await openArchive(io.stdin, {...options, name: inputName(input)});
	}
	const path = resolve(io.cwd, input);
	const stats = await withIo('read', path, async () => stat(path));
	return stats.isDirectory() ? await openLayoutDir(path, {signal, onEvent}) : await openArchive(path, options);
}

function inputName(input: string): string {
	return input === '-' ? 'stdin' : input;
}

/** Some tools write a bare tag where others write the whole name: a bare tag names nothing here. */
function storedNames({names}: ArchivedImage): string[] {
	return names
		.filter(name => /[/:]/.test(name))
		.flatMap(name => {
			try {
				return [normalizeReference(name)];
			} catch {
				return [];
			}
		});
}
