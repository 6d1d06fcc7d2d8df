import {isUtf8} from 'node:buffer';
import {readFileSync} from 'node:fs';
import {decodeName, encodeName} from '../../core/name.js';

/** What a file was when its content key was computed. */
export interface StatRow {
	/** Below the root of the context, with a slash in front. */
	readonly name: string;
	readonly dev: number;
	readonly ino: number;
	readonly size: number;
	readonly mtimeMs: number;
	readonly ctimeMs: number;
	/** 64 hexadecimal digits, or empty in all rows of a table. */
	readonly contentKey: string;
}

/** Rows in columns: tens of thousands of small objects would cost more to make than the files to look at. */
export interface StatTable {
	readonly count: number;
	/** False when a name is not UTF-8 (core/name.ts). */
	readonly areNamesText: boolean;
	/** The row of this name, or -1. Quickest when asked in the order of the rows. */
	find(name: string): number;
	/** True when the row says just this of its file. */
	matches(row: number, file: Omit<StatRow, 'name' | 'contentKey'>): boolean;
	contentKey(row: number): string;
	nameAt(row: number): string;
	at(row: number): StatRow;
}

const magic = Buffer.from('sealstat', 'latin1');
const fields = 5;
const countAt = magic.length;
const keyBytesAt = countAt + 8;
const numbersAt = keyBytesAt + 8;

/** The inverse of `parseStatTable`. Numbers are written as doubles, which is what `Stats` gives. */
export function formatStatTable(rows: readonly StatRow[]): Buffer {
	const names = encodeName(rows.map(row => row.name).join('\0'));
	const keyBytes = (rows[0]?.contentKey.length ?? 0) / 2;
	const keysAt = numbersAt + rows.length * fields * 8;
	const namesAt = keysAt + rows.length * keyBytes;
	const bytes = Buffer.alloc(namesAt + names.length);
	magic.copy(bytes);
	bytes.writeDoubleLE(rows.length, countAt);
	bytes.writeDoubleLE(keyBytes, keyBytesAt);
	for (const [row, {dev, ino, size, mtimeMs, ctimeMs, contentKey}] of rows.entries()) {
		for (const [field, value] of [dev, ino, size, mtimeMs, ctimeMs].entries())
			bytes.writeDoubleLE(value, numbersAt + (row * fields + field) * 8);
		bytes.write(contentKey, keysAt + row * keyBytes, 'hex');
	}
	names.copy(bytes, namesAt);
	return bytes;
}

/** Reads a table; one that is damaged or of another version is as good as empty. */
export function parseStatTable(bytes: Buffer): StatTable {
	const count = bytes.length >= numbersAt && bytes.subarray(0, countAt).equals(magic) ? bytes.readDoubleLE(countAt) : 0;
	const keyBytes = count === 0 ? 0 : bytes.readDoubleLE(keyBytesAt);
	const keysAt = numbersAt + count * fields * 8;
	const namesAt = keysAt + count * keyBytes;
	const isWhole =
		Number.isSafeInteger(count) && count > 0 && (keyBytes === 0 || keyBytes === 32) && namesAt <= bytes.length;
	const names = isWhole ? decodeName(bytes.subarray(namesAt)).split('\0') : [];
	return createTable(bytes, names.length === count ? names : [], keysAt, keyBytes);
}

/** The table in a file, read when it is first asked for: an unchanged build asks for none. One that cannot be read is empty. */
export function statTableIn(file: string): () => StatTable {
	let table: StatTable | undefined;
	return () => {
		table ??= parseStatTable(readIfThere(file));
		return table;
	};
}

/** The rows by name, in their order. */
export function rowsOf(table: StatTable): Map<string, StatRow> {
	return new Map(Array.from({length: table.count}, (_, row) => [table.nameAt(row), table.at(row)]));
}

function readIfThere(file: string): Buffer {
	try {
		return readFileSync(file);
	} catch {
		return Buffer.alloc(0);
	}
}

function createTable(bytes: Buffer, names: readonly string[], keysAt: number, keyBytes: number): StatTable {
	const number = (row: number, field: number): number => bytes.readDoubleLE(numbersAt + (row * fields + field) * 8);
	const contentKey = (row: number): string =>
		bytes.toString('hex', keysAt + row * keyBytes, keysAt + (row + 1) * keyBytes);
	let next = 0;
	let rows: Map<string, number> | undefined;
	return {
		count: names.length,
		areNamesText: isUtf8(bytes.subarray(keysAt + names.length * keyBytes)),
		find(name) {
			if (names[next] === name) return next++;
			rows ??= new Map(names.map((one, row) => [one, row]));
			const found = rows.get(name) ?? -1;
			if (found !== -1) next = found + 1;
			return found;
		},
		matches: (row, {dev, ino, size, mtimeMs, ctimeMs}) =>
			number(row, 4) === ctimeMs &&
			number(row, 3) === mtimeMs &&
			number(row, 2) === size &&
			number(row, 1) === ino &&
			number(row, 0) === dev,
		contentKey,
		nameAt: row => names[row] ?? '',
		at: row => ({
			name: names[row] ?? '',
			dev: number(row, 0),
			ino: number(row, 1),
			size: number(row, 2),
			mtimeMs: number(row, 3),
			ctimeMs: number(row, 4),
			contentKey: contentKey(row),
		}),
	};
}
