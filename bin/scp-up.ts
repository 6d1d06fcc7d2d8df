import {stat} from 'node:fs/promises';
import {resolve} from 'node:path';
import type {OperationOptions} from '../lib/core/events.js';
import {withIo} from '../lib/core/io-error.js';
import type {Digest} from '../lib/oci/digest.js';
import {uploadFile} from '../lib/runtime/transport/files.js';
import type {Transport} from '../lib/runtime/transport/transport.js';
import {uploadTree} from '../lib/runtime/transport/trees.js';
import {openSource} from '../lib/runtime/transport/upload-source.js';
import type {Context} from './context.js';
import {meansContents, nameOf, type ScpRequest} from './scp-places.js';
import {type Copied, type CopyOptions, copied} from './scp-work.js';
import {UsageError} from './usage-error.js';

/** What goes to every host, looked at once. */
export interface Uploads {
	/** Undefined where folders are among it. */
	readonly sizeBytes: number | undefined;
	send(transport: Transport, options: OperationOptions): Promise<Copied>;
}

/** @throws UsageError; SealError ERR_IO, ERR_PERMISSION for sources that cannot be read */
export async function prepareUploads(
	{sources, target}: ScpRequest,
	{as, mode, owner}: CopyOptions,
	{io, signal}: Context,
): Promise<Uploads> {
	const items: Source[] = [];
	for (const source of sources) {
		const path = resolve(io.cwd, source);
		const isFolder = await withIo('send', source, async () => (await stat(path)).isDirectory());
		if (!isFolder) {
			const {hex, sizeBytes} = await openSource({file: path}, {signal});
			items.push({path, name: nameOf(source), digest: `sha256:${hex}`, sizeBytes});
		} else if (mode !== undefined)
			throw new UsageError(`--mode is for files, and ${source} is a folder`, {hint: 'Leave it out.'});
		else items.push({path, name: meansContents(source) ? undefined : nameOf(source), digest: undefined, sizeBytes: 0});
	}
	const folder = sources.length > 1 || target === '' ? `${target === '' ? '.' : target.replace(/\/+$/, '')}/` : target;
	return {
		sizeBytes: items.some(({digest}) => digest === undefined)
			? undefined
			: items.reduce((sum, {sizeBytes}) => sum + sizeBytes, 0),
		async send(transport, options) {
			const common = {...options, as, owner};
			return copied(items, async ({path, name, digest}) => {
				if (digest === undefined) {
					const to = name === undefined ? folder : `${folder.replace(/\/+$/, '')}/${name}`;
					return await uploadTree(transport, path, to, {...common, makeFolders: true});
				}
				const sent = await uploadFile(transport, {file: path, digest}, folder, {...common, mode, nameInFolder: name});
				return {entries: 1, sizeBytes: sent.sizeBytes, movedBytes: sent.sentBytes};
			});
		},
	};
}

interface Source {
	readonly path: string;
	/** Undefined for the contents of a folder. */
	readonly name: string | undefined;
	/** Undefined for a folder. */
	readonly digest: Digest | undefined;
	readonly sizeBytes: number;
}
