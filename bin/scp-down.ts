import {mkdir, stat} from 'node:fs/promises';
import {join, resolve} from 'node:path';
import type {OperationOptions} from '../lib/core/events.js';
import {ifExists, withIo} from '../lib/core/io-error.js';
import {exec} from '../lib/runtime/transport/exec.js';
import {downloadFile} from '../lib/runtime/transport/files.js';
import type {Transport} from '../lib/runtime/transport/transport.js';
import {downloadTree} from '../lib/runtime/transport/trees.js';
import type {Context} from './context.js';
import {meansContents, nameOf, type ScpRequest} from './scp-places.js';
import {type Copied, type CopyOptions, copied} from './scp-work.js';
import {UsageError} from './usage-error.js';

/** Brings the sources of one host here. */
export type Downloads = (transport: Transport, options: OperationOptions) => Promise<Copied>;

/**
 * From one host things go to the target, or into it when it is a folder; from several hosts each into a folder of its own there.
 * @throws UsageError; SealError ERR_IO, ERR_PERMISSION for a target that cannot be made
 */
export async function prepareDownloads(
	{sources, target}: ScpRequest,
	hostCount: number,
	{as, mode, owner}: CopyOptions,
	{io}: Context,
): Promise<Downloads> {
	if (owner !== undefined || mode !== undefined)
		throw new UsageError('--owner and --mode are for what goes to hosts', {hint: 'Leave them out.'});
	const names = sources.map(source => (meansContents(source) ? undefined : nameOf(source)));
	const root = resolve(io.cwd, target);
	const isFolder = await withIo('write to', target, async () => (await ifExists(() => stat(root)))?.isDirectory());
	const takesNames = isFolder === true || target.endsWith('/') || sources.length > 1 || hostCount > 1;
	return async (transport, options) => {
		// The name is one that the operator wrote; what a host says has no part in where files go here.
		const base = hostCount > 1 ? join(root, transport.host) : root;
		const folders = await foldersAmong(transport, sources, as, options);
		return copied([...sources.entries()], async ([i, source]) => {
			const name = names[i];
			if (folders[i] === true) {
				const to = name === undefined ? base : join(base, name);
				await withIo('make', to, () => mkdir(to, {recursive: true}));
				return await downloadTree(transport, source, to, {...options, as});
			}
			if (takesNames) await withIo('make', base, () => mkdir(base, {recursive: true}));
			const to = takesNames ? join(base, name ?? nameOf(source)) : base;
			const report = await downloadFile(transport, source, to, {...options, as});
			return {entries: 1, sizeBytes: report.sizeBytes, movedBytes: report.receivedBytes};
		});
	};
}

/** One round trip for all of them. */
async function foldersAmong(
	transport: Transport,
	sources: readonly string[],
	as: 'root' | 'login',
	{signal}: OperationOptions,
): Promise<readonly boolean[]> {
	const script = 'for path; do if [ -d "$path" ]; then echo d; else echo f; fi; done';
	const paths = sources.map(source => (source.startsWith('/') ? source : `./${source}`));
	const {stdout} = await exec(transport, ['/bin/sh', '-c', script, 'sealimage', ...paths], {as, signal});
	return stdout
		.toString()
		.trimEnd()
		.split('\n')
		.map(line => line === 'd');
}
