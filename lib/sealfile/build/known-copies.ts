import {mkdir, readFile} from 'node:fs/promises';
import {dirname} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import type {Abortable} from '../../core/events.js';
import {digestOf, hexOf} from '../../oci/digest.js';
import {isUnchanged, type SeenEntries} from '../context/seen-entries.js';
import {formatStatTable, parseStatTable, type StatRow, type StatTable} from '../context/stat-table.js';
import type {CopyWarning} from '../copy/types.js';

/** What a COPY or ADD from the context came to. */
export interface KnownCopy {
	/** Of its layer in the build cache. */
	readonly layerKey: string;
	readonly warnings: readonly CopyWarning[];
}

/** What instructions came to in earlier builds, as long as nothing in the context has changed since (decision 37). */
export interface KnownCopies {
	/**
	 * The outcome under these conditions: all that it depends on but the context. The first call looks at every entry of the context that
	 * was looked at when the record was made.
	 */
	find(conditions: string, options?: Abortable): Promise<KnownCopy | undefined>;
	remember(conditions: string, copy: KnownCopy): void;
	/** Writes down what is new. */
	save(): Promise<void>;
}

export interface KnownCopiesOptions {
	/** Where the record is kept. */
	readonly file: string;
	/** The context: absolute, without links. */
	readonly root: string;
	/** What this build looks at. */
	readonly seen: SeenEntries;
	readonly now: () => number;
}

/** A context that is built by many Sealfiles has one record for each; this bounds what one of them can grow to. */
const maxCopies = 64;

export function openKnownCopies({file, root, seen, now}: KnownCopiesOptions): KnownCopies {
	const openedMs = now();
	const fresh = new Map<string, KnownCopy>();
	let valid: Promise<CopyRecord | undefined> | undefined;
	const load = async (options: Abortable): Promise<CopyRecord | undefined> => {
		const record = parseRecord(await readFile(file).catch(() => Buffer.alloc(0)));
		return record !== undefined && (await isUnchanged(root, record.table, options)) ? record : undefined;
	};
	return {
		async find(conditions, options = {}) {
			valid ??= load(options);
			return (await valid)?.copies.get(conditions);
		},
		remember: (conditions, copy) => void fresh.set(conditions, copy),
		async save() {
			if (fresh.size === 0) return;
			const before = await valid?.catch(() => undefined);
			for (let row = 0; row < (before?.table.count ?? 0); row++) {
				const old = before!.table.at(row);
				seen.note(old.name, old);
			}
			const rows = seen.rows(openedMs);
			if (rows === undefined) return;
			const copies = [...(before?.copies ?? []), ...fresh].slice(-maxCopies);
			fresh.clear();
			await mkdir(dirname(file), {recursive: true});
			await writeFileAtomic(file, formatRecord(copies, rows), {sync: false});
		},
	};
}

interface CopyRecord {
	readonly copies: ReadonlyMap<string, KnownCopy>;
	readonly table: StatTable;
}

const digestBytes = 32;
const lengthAt = digestBytes;
const copiesAt = lengthAt + 4;

/** The digest of the rest comes first: this record is believed without a second look at what it stands for. */
function formatRecord(copies: readonly (readonly [string, KnownCopy])[], rows: readonly StatRow[]): Buffer {
	const text = Buffer.from(JSON.stringify(copies));
	const table = formatStatTable(rows);
	const bytes = Buffer.alloc(copiesAt + text.length + table.length);
	bytes.writeUInt32LE(text.length, lengthAt);
	text.copy(bytes, copiesAt);
	table.copy(bytes, copiesAt + text.length);
	bytes.write(digestOfRest(bytes), 0, 'hex');
	return bytes;
}

function parseRecord(bytes: Buffer): CopyRecord | undefined {
	if (bytes.length < copiesAt || bytes.toString('hex', 0, digestBytes) !== digestOfRest(bytes)) return undefined;
	const tableAt = copiesAt + bytes.readUInt32LE(lengthAt);
	const copies = JSON.parse(bytes.toString('utf8', copiesAt, tableAt)) as [string, KnownCopy][];
	return {copies: new Map(copies), table: parseStatTable(bytes.subarray(tableAt))};
}

function digestOfRest(bytes: Buffer): string {
	return hexOf(digestOf(bytes.subarray(digestBytes)));
}
