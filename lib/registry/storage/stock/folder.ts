import {mkdir, readdir, realpath, stat} from 'node:fs/promises';
import {join, resolve} from 'node:path';
import {SealError} from '../../../core/errors.js';
import {ifExists, withIo} from '../../../core/io-error.js';
import {checkInside} from './files.js';
import {stockRoot} from './paths.js';

/** A storage folder of the stock registry server, found. All paths are real ones. */
export interface StockFolder {
	/** "the registry folder /srv/registry", for messages. */
	readonly name: string;
	/** The folder that the stock server calls its root directory. */
	readonly root: string;
	/** `docker/registry/v2` in it. */
	readonly base: string;
	/** What sealimage keeps beside: derived data, uploads under way, temporary files. The stock server never looks there. */
	readonly privateDir: string;
}

/**
 * Finds the registry in a folder: the root of a stock server, or a cluster image's tree with its `registry/` folder.
 * With `create` an empty or missing folder becomes one.
 * @throws SealError ERR_REGISTRY_DIR, ERR_PERMISSION, ERR_IO
 */
export async function openStockFolder(path: string, create: boolean): Promise<StockFolder> {
	const given = resolve(path);
	const real = await withIo('open', given, () => ifExists(() => realpath(given)));
	for (const root of real === undefined ? [] : [real, join(real, 'registry')]) {
		if (await isFolder(join(root, stockRoot))) return await describeFolder(root, given);
	}
	const names = await ifExists(() => readdir(given)).catch((error: unknown) => {
		throw notRegistry(given, 'it cannot be listed', error);
	});
	if (!create) throw notRegistry(given, names === undefined ? 'it does not exist' : `it has no ${stockRoot}`);
	const others = names?.filter(name => !name.startsWith('.') && name !== 'lost+found') ?? [];
	if (others.length > 0 && !(await isBegun(given, others))) {
		throw notRegistry(given, `it has other content and no ${stockRoot}`);
	}
	await withIo('make the registry folder', given, () => mkdir(join(given, stockRoot), {recursive: true}));
	return await describeFolder(await realpath(given), given);
}

/** True for a folder that another process is making right now, or was killed while it did: nothing is in it but the way to the root. */
async function isBegun(given: string, others: readonly string[]): Promise<boolean> {
	const [first = '', second = '', third = ''] = stockRoot.split('/');
	const namesIn = async (...path: string[]): Promise<readonly string[]> =>
		(await ifExists(() => readdir(join(given, ...path))).catch(() => ['unreadable'])) ?? [];
	const isOnly = (names: readonly string[], name: string): boolean => names.every(found => found === name);
	return isOnly(others, first) && isOnly(await namesIn(first), second) && isOnly(await namesIn(first, second), third);
}

/** @throws SealError ERR_UNSAFE_PATH when a link in the folder, which may come from an image, leads elsewhere */
async function describeFolder(root: string, given: string): Promise<StockFolder> {
	const base = join(root, stockRoot);
	const privateDir = join(root, '.sealimage');
	return await withIo('open the registry folder', given, async () => {
		await checkInside(join(base, 'blobs'));
		for (const folder of [privateDir, join(privateDir, 'tmp'), join(privateDir, 'uploads')])
			await checkInside(join(folder, 'any'));
		return {name: `the registry folder ${given}`, root, base, privateDir};
	});
}

async function isFolder(path: string): Promise<boolean> {
	const found = await stat(path).catch(() => undefined);
	return found?.isDirectory() === true;
}

function notRegistry(path: string, why: string, cause?: unknown): SealError {
	return new SealError('ERR_REGISTRY_DIR', `${path} is no registry folder: ${why}`, {
		hint: 'Name the folder that holds docker/registry/v2, or a new or empty folder to make a registry in.',
		details: {path},
		cause,
	});
}
