import {mkdir, readFile, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import {SealError} from '../../core/errors.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {type Digest, isDigest} from '../../oci/digest.js';

/**
 * What a host was like before it was prepared. It is written, and on the disk, before the first change: what is in it is
 * put back one day, so a change that nobody remembers must not be made.
 */
export interface NodeRecord {
	readonly version: 1;
	readonly files: Readonly<Record<string, RecordedFile>>;
	/** Folders that were made, outermost first. */
	readonly folders: readonly string[];
	readonly sysctls: Readonly<Record<string, string>>;
	/** Modules that were not loaded. */
	readonly modules: readonly string[];
	readonly units: Readonly<Record<string, RecordedUnit>>;
	/** Devices and files that were swapped to. */
	readonly swaps: readonly string[];
	/** `firewalld 10.0.0.1`: whom a firewall was told to let in. Absent where there was none. */
	readonly trusted?: readonly string[] | undefined;
	/** What was in folders that others fill since; null for one that was not there. Absent in records of older versions. */
	readonly contents?: Readonly<Record<string, readonly string[] | null>> | undefined;
}

export interface RecordedFile {
	readonly before: FileBefore;
	/** Of all that was put there, the newest last: a file that is none of them was changed by somebody else since. */
	readonly written: readonly Digest[];
}

export type FileBefore =
	| {readonly kind: 'absent'}
	| {readonly kind: 'link'; readonly target: string}
	/** Its content is kept under `keptPlace`. */
	| {readonly kind: 'file'; readonly digest: Digest; readonly mode: number; readonly uid: number; readonly gid: number};

/** As systemctl says. */
export interface RecordedUnit {
	readonly enabled: string;
	readonly active: string;
}

export const nothingRecorded: NodeRecord = {
	version: 1,
	files: {},
	folders: [],
	sysctls: {},
	modules: [],
	units: {},
	swaps: [],
};

/** Where a host keeps the record, below the folder of its content. */
export function recordPlace(root: string): string {
	return join(root, 'node/record.json');
}

/** Where the content of a file that was there before is kept. */
export function keptPlace(root: string, digest: Digest): string {
	return join(root, 'node/before', digest.replace(':', '-'));
}

/**
 * A record that is not there is an empty one; one that is damaged is an error, because undoing by it would leave things behind.
 * @throws SealError ERR_NODE_RECORD, ERR_IO, ERR_PERMISSION
 */
export async function readRecord(root: string): Promise<NodeRecord> {
	const path = recordPlace(root);
	const text = await withIo('read', path, () => ifExists(() => readFile(path, 'utf8')));
	if (text === undefined) return nothingRecorded;
	try {
		const value: unknown = JSON.parse(text);
		if (isRecord(value)) return value;
	} catch {
		// Told below, as any other content that is none of ours.
	}
	throw new SealError('ERR_NODE_RECORD', `${path} cannot be understood, so nothing can be put back by it`, {
		hint: 'Restore the file from a backup, or remove it to go on without what it remembers.',
	});
}

/** @throws SealError ERR_NO_SPACE, ERR_PERMISSION, ERR_IO */
export async function writeRecord(root: string, record: NodeRecord): Promise<void> {
	const path = recordPlace(root);
	await withIo('make', join(root, 'node'), () => mkdir(join(root, 'node'), {recursive: true, mode: 0o700}));
	await writeFileAtomic(path, `${JSON.stringify(record, null, '\t')}\n`, {mode: 0o600});
}

/** Forgets everything, with the files that were kept. */
export async function removeRecord(root: string): Promise<void> {
	await withIo('remove', join(root, 'node'), () => rm(join(root, 'node'), {recursive: true, force: true}));
}

function isRecord(value: unknown): value is NodeRecord {
	if (typeof value !== 'object' || value === null) return false;
	const {version, files, folders, sysctls, modules, units, swaps, trusted, contents} = value as Record<string, unknown>;
	const isTexts = (list: unknown): boolean => Array.isArray(list) && list.every(item => typeof item === 'string');
	return (
		version === 1 &&
		[folders, modules, swaps, trusted ?? []].every(isTexts) &&
		(contents === undefined || entriesAre(contents, names => names === null || isTexts(names))) &&
		entriesAre(sysctls, setting => typeof setting === 'string') &&
		entriesAre(files, isRecordedFile) &&
		entriesAre(units, unit => {
			const {enabled, active} = (unit ?? {}) as Partial<RecordedUnit>;
			return typeof enabled === 'string' && typeof active === 'string';
		})
	);
}

function entriesAre(value: unknown, check: (item: unknown) => boolean): boolean {
	return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(check);
}

function isRecordedFile(value: unknown): boolean {
	const {before, written} = (value ?? {}) as {readonly before?: Partial<FileBefore>; readonly written?: unknown};
	if (!Array.isArray(written) || !written.every(isDigest)) return false;
	switch (before?.kind) {
		case 'absent':
			return true;
		case 'link':
			return typeof before.target === 'string';
		case 'file':
			return isDigest(before.digest) && [before.mode, before.uid, before.gid].every(Number.isSafeInteger);
		default:
			return false;
	}
}
