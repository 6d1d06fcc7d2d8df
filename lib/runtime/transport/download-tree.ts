import {lstat, mkdtemp, readdir, rename, rmdir} from 'node:fs/promises';
import {dirname, join, resolve} from 'node:path';
import {hasCode, SealError, systemCode} from '../../core/errors.js';
import {emit, type OperationOptions, progress} from '../../core/events.js';
import {withIo} from '../../core/io-error.js';
import {removeTree} from '../../oci/disk/remove.js';
import {gatherTail} from './exec.js';
import {fileError, plainPath} from './file-error.js';
import type {Transport} from './transport.js';
import {unpackStream} from './unpack-stream.js';
import type {TreeReport} from './upload-tree.js';

export interface DownloadTreeOptions extends OperationOptions {
	/** The folder on this machine is then just this tree. Default: files go beside those that are there. */
	readonly replace?: boolean | undefined;
	/** More bytes than this are refused. */
	readonly maxBytes?: number | undefined;
	readonly as?: 'root' | 'login' | undefined;
	/** What progress events call it; default: the path. */
	readonly id?: string | undefined;
}

/**
 * Brings the contents of a folder of a host to a folder of this machine, as a tar stream: modes, times, symbolic and hard links are
 * kept. What the host sends is not trusted (see unpack-stream.ts). It is unpacked beside and moved in place when all has
 * come. Whatever fails, nothing is left behind.
 * @throws HostError ERR_IO, ERR_PERMISSION; SealError ERR_TAR_FORMAT, ERR_TAR_LIMIT, ERR_UNSAFE_PATH, ERR_CONTENT_SIZE, those of this
 * machine's disk; what `Transport.spawn` throws
 */
export async function downloadTree(
	transport: Transport,
	path: string,
	folder: string,
	options: DownloadTreeOptions = {},
): Promise<TreeReport> {
	const target = resolve(folder);
	const part = await withIo('make a folder beside', target, () => mkdtemp(join(dirname(target), '.sealimage-part-')));
	try {
		const report = await receive(transport, path, part, options);
		await withIo('write to', target, () => putInPlace(part, target, options.replace === true));
		return report;
	} finally {
		await removeTree(part);
	}
}

/** The exit status is told on stderr: that of a pipe would be another. */
const downloadScript = `
LC_ALL=C
export LC_ALL
path=$1
[ -d "$path" ] || { echo "$path: $([ -e "$path" ] && echo Not a directory || echo No such file or directory)" >&2; exit 1; }
tar -cf - -C "$path" .
echo "sealimage status $?" >&2
`.trim();

async function receive(
	transport: Transport,
	path: string,
	part: string,
	options: DownloadTreeOptions,
): Promise<TreeReport> {
	const stop = new AbortController();
	const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
	const argv = ['/bin/sh', '-c', downloadScript, 'sealimage-download-tree', plainPath(path)];
	const running = await transport.spawn(argv, {as: options.as, signal});
	running.stdin.end();
	const said = gatherTail(running.stderr);
	const id = options.id ?? path;
	const report = progress(options, id);
	let doneBytes = 0;
	const onBytes = (count: number): void => {
		doneBytes += count;
		report(doneBytes);
	};
	try {
		const unpacked = await unpackStream(running.stdout, part, {signal, onBytes, maxBytes: options.maxBytes});
		await running.exit;
		checkStatus(transport, path, await said, options);
		emit(options, {type: 'blob.progress', id, doneBytes});
		return {...unpacked, movedBytes: unpacked.sizeBytes};
	} catch (error) {
		stop.abort(error);
		await running.exit.catch(() => undefined);
		options.signal?.throwIfAborted();
		// An archive that breaks off is no riddle when the host says why.
		const text = await said;
		if (hasCode(error, 'ERR_TAR_FORMAT') && !/^sealimage status 0$/m.test(text) && text.trim() !== '') {
			throw fileError(transport.host, 'read', path, text.replaceAll(/^sealimage status .*$/gm, ''));
		}
		throw error;
	}
}

/** tar ends with 1 when files changed while it read them: what came is whole, and as good as any copy of a folder in use. */
function checkStatus(transport: Transport, path: string, said: string, options: OperationOptions): void {
	const [, status] = /^sealimage status (\d+)$/m.exec(said) ?? [];
	const text = said.replaceAll(/^sealimage status .*$/gm, '').trim();
	if (status === '0') return;
	const lines = text.split('\n').filter(line => line !== '');
	const harmless = /changed as we read it|removed before we read it|socket ignored/;
	if (status !== '1' || lines.length === 0 || !lines.every(line => harmless.test(line))) {
		throw fileError(transport.host, 'read', path, text);
	}
	emit(options, {
		type: 'warning',
		code: 'FilesChanged',
		message: `${transport.host}: files below ${path} changed while they were read`,
	});
}

async function putInPlace(part: string, target: string, replace: boolean): Promise<void> {
	const there = await lstat(target).catch((error: unknown) => {
		if (systemCode(error) === 'ENOENT') return undefined;
		throw error;
	});
	if (there === undefined) return await rename(part, target);
	if (!there.isDirectory()) {
		throw new SealError('ERR_IO', `Cannot write to ${target}: it is no folder`, {
			hint: 'Name a folder, or a new name.',
		});
	}
	if (!replace) return await merge(part, target);
	const old = await mkdtemp(join(dirname(target), '.sealimage-old-'));
	await rename(target, join(old, 'old'));
	try {
		await rename(part, target);
	} catch (error) {
		await rename(join(old, 'old'), target);
		await rmdir(old);
		throw error;
	}
	await removeTree(old);
}

/** Moves what is in one folder into another. A link in the way is replaced, never followed. */
async function merge(from: string | Buffer, to: string | Buffer): Promise<void> {
	for (const entry of await readdir(from, {withFileTypes: true, encoding: 'buffer'})) {
		const source = Buffer.concat([Buffer.from(from), slash, entry.name]);
		const target = Buffer.concat([Buffer.from(to), slash, entry.name]);
		const there = entry.isDirectory() ? await lstat(target).catch(() => undefined) : undefined;
		if (there?.isDirectory() === true) await merge(source, target);
		else await rename(source, target);
	}
}

const slash = Buffer.from('/');
