import {hash} from 'node:crypto';
import {mkdir, readdir, readFile, stat, unlink} from 'node:fs/promises';
import {join} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import {createOwner, parseOwner, stateOf} from '../../core/process-owner.js';
import type {Digest} from '../../oci/digest.js';

/** Remembers uploads that were begun, so that another process can go on with them. */
export interface UploadJournal {
	/** Undefined when there is none, or somebody is at work on it. */
	get(key: UploadKey): Promise<UploadRecord | undefined>;
	set(key: UploadKey, record: UploadRecord): Promise<void>;
	remove(key: UploadKey): Promise<void>;
}

export interface UploadKey {
	/** As in references. */
	readonly host: string;
	readonly repository: string;
	readonly digest: Digest;
}

export interface UploadRecord {
	/** The URL of the upload. It may carry a signature: a secret. */
	readonly location: string;
	readonly minPartBytes: number;
	/** This process is at work on it: others leave it alone as long as the process lives. */
	readonly isHeld: boolean;
}

const maxAgeMs = 24 * 60 * 60 * 1000;
const maxRecordBytes = 64 * 1024;

/**
 * A journal in a folder, one file per upload, readable for its owner only. Entries end after a day, as uploads do at
 * registries; what cannot be read is as good as none.
 */
export function openUploadJournal(folder: string, now: () => number = Date.now): UploadJournal {
	const owner = createOwner();
	const pathOf = ({host, repository, digest}: UploadKey): string =>
		join(folder, `${hash('sha256', `${host}\n${repository}\n${digest}`, 'hex')}.json`);
	let swept: Promise<void> | undefined;
	return {
		async get(key) {
			swept ??= sweep(folder, now());
			await swept;
			const entry = parseEntry(await readSmall(pathOf(key)), key, now());
			if (entry === undefined) return undefined;
			const holder = entry.holder === undefined ? undefined : parseOwner(entry.holder);
			return holder !== undefined && stateOf(holder) === 'alive' ? undefined : {...entry.record, isHeld: false};
		},
		async set(key, {location, minPartBytes, isHeld}) {
			await mkdir(folder, {recursive: true, mode: 0o700});
			const {host, repository, digest} = key;
			const holder = isHeld ? {holder: JSON.stringify(owner)} : {};
			const entry = {host, repository, digest, location, minPartBytes, atMs: now(), ...holder};
			// A power cut may take an entry along: then an upload starts anew.
			await writeFileAtomic(pathOf(key), JSON.stringify(entry), {mode: 0o600, sync: false});
		},
		async remove(key) {
			await unlink(pathOf(key)).catch(() => undefined);
		},
	};
}

interface Entry {
	readonly record: UploadRecord;
	readonly holder: string | undefined;
}

async function readSmall(path: string): Promise<string> {
	try {
		const {size} = await stat(path);
		return size > maxRecordBytes ? '' : await readFile(path, 'utf8');
	} catch {
		return '';
	}
}

function parseEntry(text: string, key: UploadKey, nowMs: number): Entry | undefined {
	try {
		const value = JSON.parse(text) as Record<string, unknown> | null;
		const {location, minPartBytes, atMs, holder} = value ?? {};
		const isOurs = value?.host === key.host && value.repository === key.repository && value.digest === key.digest;
		if (!isOurs || typeof location !== 'string' || !/^https?:$/.test(new URL(location).protocol)) return undefined;
		if (typeof atMs !== 'number' || !(atMs <= nowMs && nowMs - atMs < maxAgeMs)) return undefined;
		if (!Number.isSafeInteger(minPartBytes) || (minPartBytes as number) < 0) return undefined;
		if (holder !== undefined && typeof holder !== 'string') return undefined;
		return {record: {location, minPartBytes: minPartBytes as number, isHeld: false}, holder};
	} catch {
		return undefined;
	}
}

/** Removes what ended long ago. */
async function sweep(folder: string, nowMs: number): Promise<void> {
	const names = await readdir(folder).catch(() => []);
	for (const name of names.slice(0, 10_000)) {
		const path = join(folder, name);
		const facts = await stat(path).catch(() => undefined);
		if (facts?.isFile() === true && nowMs - facts.mtimeMs > 2 * maxAgeMs) await unlink(path).catch(() => undefined);
	}
}
