import {SealError} from '../../core/errors.js';
import {decodeName} from '../../core/name.js';
import {type PaxRecord, parseTime, xattrPrefix} from './pax.js';
import {parseDecimal, parseSparseList} from './sparse.js';

/** What stands before a header and replaces its fields: PAX records and GNU's long names. */
export interface Overrides {
	path?: string | undefined;
	linkpath?: string | undefined;
	size?: number | undefined;
	uid?: number | undefined;
	gid?: number | undefined;
	time?: {readonly mtime: number; readonly mtimeNsec: number} | undefined;
	xattrs?: Array<readonly [string, Buffer]>;
	sparse?: SparseOverrides;
}

/** GNU.sparse.*: three versions of one idea (GNU tar manual, "Storing Sparse Files"). */
export interface SparseOverrides {
	readonly map: number[];
	/** Version 1.0 keeps the map in front of the data. */
	mapInData?: boolean;
	name?: string;
	size?: number;
}

/**
 * Takes over PAX records. An empty value takes a record back. Names and sizes of a global header would rename every
 * entry; nobody writes that in good faith, so there they are ignored.
 * @throws SealError ERR_TAR_FORMAT
 */
export function applyRecords(target: Overrides, records: readonly PaxRecord[], global: boolean): void {
	for (const [key, value] of records) {
		if (key.startsWith(xattrPrefix)) addXattr(target, key.slice(xattrPrefix.length), value);
		else if (key.startsWith('GNU.sparse.') && !global) applySparse(target, key.slice(11), value);
		else applyRecord(target, key, value, global);
	}
}

function applyRecord(target: Overrides, key: string, value: Buffer, global: boolean): void {
	const given = value.length > 0;
	switch (key) {
		case 'path':
			if (!global) target.path = given ? readName(value) : undefined;
			break;
		case 'linkpath':
			if (!global) target.linkpath = given ? readName(value) : undefined;
			break;
		case 'size':
			if (!global) target.size = given ? readDecimal(key, value) : undefined;
			break;
		case 'uid':
		case 'gid':
			target[key] = given ? readDecimal(key, value) : undefined;
			break;
		case 'mtime':
			target.time = given ? parseTime(value.toString('latin1')) : undefined;
			break;
		default:
	}
}

function applySparse(target: Overrides, key: string, value: Buffer): void {
	target.sparse ??= {map: []};
	const {sparse} = target;
	const text = value.toString('latin1');
	switch (key) {
		case 'major':
			if (text !== '0' && text !== '1') throw bad(`uses version ${text.slice(0, 20)} of GNU's sparse files`);
			sparse.mapInData = text === '1';
			break;
		case 'name':
			sparse.name = readName(value);
			break;
		case 'size':
		case 'realsize':
			sparse.size = parseDecimal(text);
			break;
		case 'offset':
		case 'numbytes':
			sparse.map.push(parseDecimal(text));
			break;
		case 'map':
			for (const value of parseSparseList(text)) sparse.map.push(value);
			break;
		default:
	}
}

function addXattr(target: Overrides, name: string, value: Buffer): void {
	if (name === '') throw bad('has an extended attribute without a name');
	target.xattrs ??= [];
	// The record lies in a block of headers that is given up soon; a slice would keep all of it in memory.
	target.xattrs.push([name, Buffer.from(value)]);
}

function readName(value: Buffer): string {
	if (value.includes(0)) throw bad('has a name with a NUL in it');
	return decodeName(value);
}

function readDecimal(key: string, value: Buffer): number {
	const text = value.toString('latin1');
	const number = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
	if (!Number.isSafeInteger(number)) throw bad(`has the ${key} ${JSON.stringify(text.slice(0, 40))}`);
	return number;
}

function bad(what: string): SealError {
	return new SealError('ERR_TAR_FORMAT', `The archive ${what}`);
}
