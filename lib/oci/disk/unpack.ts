import {mkdir, mkdtemp, rename, rmdir} from 'node:fs/promises';
import {basename, dirname, join, resolve} from 'node:path';
import {SealError, systemCode} from '../../core/errors.js';
import {emit, type OperationOptions} from '../../core/events.js';
import {withIo} from '../../core/io-error.js';
import type {LayerSource} from '../layer/content.js';
import {type ImageTree, walkTree} from '../tree/tree.js';
import {removeTree} from './remove.js';
import {writeToDisk} from './write.js';

export interface UnpackOptions extends OperationOptions {
	/** Give files the owners they have in the image. Default: when this process is root; otherwise one warning says so. */
	readonly owners?: boolean | undefined;
}

export interface UnpackReport {
	/** Names written, the root not counted. */
	readonly entries: number;
	/** Bytes of file content written. */
	readonly sizeBytes: number;
	/** Device nodes that this process may not make. */
	readonly skippedDevices: readonly string[];
}

/**
 * Writes the file system of an image to `targetDir`, which must not exist or be an empty folder: it appears there whole
 * or not at all. Modes, times, links and extended attributes are those of the image, whatever the umask is.
 * @throws SealError ERR_UNSAFE_PATH, ERR_USAGE when the target is in use, and what reading content throws
 */
export async function unpackTree(
	tree: ImageTree,
	store: LayerSource,
	targetDir: string,
	options: UnpackOptions = {},
): Promise<UnpackReport> {
	options.signal?.throwIfAborted();
	const target = resolve(targetDir);
	await makeFree(target);
	const owners = options.owners ?? process.geteuid?.() === 0;
	const beside = await withIo('make a folder beside', target, () =>
		mkdtemp(join(dirname(target), `.${basename(target).slice(0, 100)}.`)),
	);
	try {
		const report = await writeToDisk(walkTree(tree), store, beside, {...options, owners, fresh: true});
		await withIo('move the image to', target, () => rename(beside, target));
		warn(tree, report, owners, options);
		return report;
	} catch (error) {
		await removeTree(beside);
		throw error;
	}
}

/** An empty folder gives way; a missing parent is made. */
async function makeFree(target: string): Promise<void> {
	try {
		await rmdir(target);
	} catch (error) {
		const code = systemCode(error);
		if (code === 'ENOTEMPTY' || code === 'ENOTDIR' || code === 'EEXIST') {
			throw new SealError('ERR_USAGE', `${target} is in use: it is not an empty folder`, {
				hint: 'Name a folder that does not exist yet.',
			});
		}
		if (code !== 'ENOENT') await withIo('replace', target, () => Promise.reject(error));
		await withIo('make', dirname(target), () => mkdir(dirname(target), {recursive: true}));
	}
}

function warn(tree: ImageTree, report: UnpackReport, owners: boolean, options: OperationOptions): void {
	if (!owners && hasOwners(tree)) {
		emit(options, {
			type: 'warning',
			code: 'OwnersSkipped',
			message: 'Files belong to you instead of their owners in the image: only root can give files away',
		});
	}
	if (report.skippedDevices.length > 0) {
		emit(options, {
			type: 'warning',
			code: 'DevicesSkipped',
			message: `${report.skippedDevices.length} device nodes are left out (${report.skippedDevices.slice(0, 3).join(', ')}): only root can make them`,
		});
	}
}

function hasOwners(tree: ImageTree): boolean {
	const [uid, gid] = [process.geteuid?.(), process.getegid?.()];
	for (const {header} of walkTree(tree)) if (header.uid !== uid || header.gid !== gid) return true;
	return false;
}
