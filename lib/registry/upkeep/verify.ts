import {isSealError} from '../../core/errors.js';
import {emit, type OperationOptions, progress} from '../../core/events.js';
import {mapBounded} from '../../core/pool.js';
import type {Descriptor} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';
import {readFileVerified} from '../../oci/verify.js';
import type {ContentFile, StorageInventory} from './inventory.js';
import {createWalk} from './verify-walk.js';

/** Something that is wrong with a registry. */
export interface RegistryFinding {
	/** An error code of the table. */
	readonly code: string;
	readonly message: string;
	readonly digest?: Digest | undefined;
	readonly path?: string | undefined;
	/** What cannot be pulled because of it: `app:v1`, or `app@sha256:...` for a manifest without a tag. */
	readonly images: readonly string[];
	/** What was fetched again, or linked again. */
	readonly mended: boolean;
}

export interface RegistryVerification {
	readonly findings: readonly RegistryFinding[];
	readonly repositories: number;
	readonly manifests: number;
	/** Content read and hashed. */
	readonly blobs: number;
	readonly sizeBytes: number;
	/** Children of indexes that are not there: legal in a sparse index. */
	readonly missingChildren: number;
}

/** Where damaged and missing content is fetched again. */
export interface RepairSource {
	/** "the registry mirror.example.com", for messages. */
	readonly name: string;
	/** A manifest by its digest alone. @throws SealError ERR_IMAGE_UNKNOWN */
	resolve(repository: string, digest: Digest, options: OperationOptions): Promise<Descriptor>;
	fetch(repository: string, descriptor: Descriptor, options: OperationOptions): Promise<AsyncIterable<Uint8Array>>;
}

export interface VerifyRegistryOptions extends OperationOptions {
	/** Files read at once; default 2. */
	readonly concurrency?: number | undefined;
	readonly repairFrom?: RepairSource | undefined;
}

/**
 * Reads every byte of a registry again and follows every manifest. Finds all that is wrong, not the first only; everything that
 * is wrong is a finding.
 */
export async function verifyRegistry(
	inventory: StorageInventory,
	options: VerifyRegistryOptions = {},
): Promise<RegistryVerification> {
	const files: ContentFile[] = [];
	for await (const file of inventory.contents(options)) files.push(file);
	const contents = new Map(files.map(file => [file.digest, file]));
	const damaged = await hashAll(files, options);
	const walk = createWalk(inventory, contents, damaged, options);
	await walk.run();
	// A manifest that was fetched again names content that may be missing too.
	for (let mended = true; mended && options.repairFrom !== undefined; ) {
		mended = await walk.repair(options.repairFrom);
		if (mended) await walk.run();
	}
	const faults: RegistryFinding[] = [];
	for await (const {code, path, message, repository} of inventory.check(options)) {
		faults.push({code, path, message, images: repository === undefined ? [] : [repository], mended: false});
	}
	return {
		findings: [...faults, ...walk.findings()],
		...walk.counts(),
		blobs: files.length,
		sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
	};
}

/** What is wrong with a file, by digest. */
export type Damage = Map<Digest, {readonly code: string; readonly message: string; readonly path: string}>;

async function hashAll(files: readonly ContentFile[], options: VerifyRegistryOptions): Promise<Damage> {
	const {concurrency = 2, signal} = options;
	const damaged: Damage = new Map();
	const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
	const id = 'verify';
	const tell = progress(options, id, totalBytes);
	let doneBytes = 0;
	const work = async ({digest, path, sizeBytes}: ContentFile): Promise<void> => {
		try {
			const descriptor = {mediaType: 'application/octet-stream', digest, size: sizeBytes};
			for await (const chunk of readFileVerified(path, descriptor, path, {reuse: true, signal})) {
				doneBytes += chunk.length;
				tell(doneBytes);
			}
		} catch (error) {
			signal?.throwIfAborted();
			if (!isSealError(error)) throw error;
			damaged.set(digest, {code: error.code, message: error.message, path});
		}
	};
	await mapBounded(files, concurrency, work, {signal});
	emit(options, {type: 'blob.progress', id, doneBytes, totalBytes});
	return damaged;
}
