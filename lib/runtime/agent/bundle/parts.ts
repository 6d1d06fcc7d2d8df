import {createReadStream} from 'node:fs';
import {mkdir, open, rename, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {syncFolder} from '../../../core/atomic-file.js';
import {SealError} from '../../../core/errors.js';
import {withIo} from '../../../core/io-error.js';
import {withLock} from '../../../core/lock.js';
import {withTempDir} from '../../../core/temp-dir.js';
import {decompress} from '../../../oci/compress/decompress.js';
import {digestOf, hexOf} from '../../../oci/digest.js';
import {readTar} from '../../../oci/tar/read.js';
import {type FetchOptions, fetchPackage} from './fetch-package.js';
import {type Measured, measure} from './measure.js';
import type {PackagePin} from './packages.js';
import {trimElf} from './trim-elf.js';

export interface PartsOptions extends FetchOptions {
	/** For what is fetched; may be deleted at any time. */
	readonly cacheDir: string;
}

/** Raised when other bytes are made of the same packages. */
const partsVersion = 1;
/** Of one file, unpacked. */
const maxBytes = 512 * 1024 * 1024;

/**
 * The files of pinned packages, in the cache: fetched once, whichever process asks first, and read again when anything about them has changed.
 * @throws SealError ERR_AGENT_BUNDLE
 */
export async function openParts(pins: readonly PackagePin[], options: PartsOptions): Promise<readonly Measured[]> {
	const key = hexOf(digestOf(JSON.stringify([partsVersion, pins]))).slice(0, 16);
	const root = join(options.cacheDir, 'agent');
	const folder = join(root, `parts-${key}`);
	const files = pins.flatMap(pin => Object.values(pin.files));
	const present = async (): Promise<readonly Measured[] | undefined> => await measure(folder, files, options);
	const found = await present();
	if (found !== undefined) return found;
	await withIo('make the folder', root, async () => mkdir(root, {recursive: true}));
	return await withLock(
		`${folder}.lock`,
		async () => {
			const made = await present();
			if (made !== undefined) return made;
			await makeParts(pins, root, folder, options);
			const now = await present();
			if (now === undefined) throw new SealError('ERR_AGENT_BUNDLE', `The files in ${folder} vanished`);
			return now;
		},
		{...options, timeoutMs: 10 * 60_000, what: 'the parts of the agent'},
	);
}

async function makeParts(
	pins: readonly PackagePin[],
	root: string,
	folder: string,
	options: PartsOptions,
): Promise<void> {
	await withTempDir(root, async scratch => {
		const target = join(scratch, 'parts');
		await mkdir(target);
		for (const [number, pin] of pins.entries()) {
			const archives = join(scratch, `archive-${number}`);
			await mkdir(archives);
			await unpackFiles(pin, await fetchPackage(pin, archives, options), target, options);
			await rm(archives, {recursive: true});
		}
		await syncFolder(target);
		// What is there has been found to be damaged.
		await rm(folder, {recursive: true, force: true});
		await rename(target, folder);
		await syncFolder(root);
	});
}

async function unpackFiles(pin: PackagePin, archive: string, target: string, {signal}: PartsOptions): Promise<void> {
	const wanted = new Map(Object.entries(pin.files).map(([path, file]) => [`package/${path}`, file]));
	const plain = decompress(createReadStream(archive, {signal}), {limitBytes: 2 * maxBytes, signal});
	for await (const {header, content} of readTar(plain, {signal})) {
		const file = wanted.get(header.path);
		if (file === undefined) continue;
		if (header.type !== 'file' || header.size > maxBytes) break;
		wanted.delete(header.path);
		const path = join(target, file.name);
		const handle = await open(path, 'wx', file.mode);
		try {
			for await (const chunk of content) await handle.writeFile(chunk);
			await handle.sync();
		} finally {
			await handle.close();
		}
		if (file.name === 'node') await trimElf(path);
	}
	const [missing] = wanted.keys();
	if (missing !== undefined) {
		throw new SealError('ERR_AGENT_BUNDLE', `The package ${pin.name} ${pin.version} has no file ${missing}`);
	}
}
