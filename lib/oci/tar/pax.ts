import {SealError} from '../../core/errors.js';
import {encodeName} from '../../core/name.js';
import type {EntryHeader} from '../entry.js';
import {fitsUstar, isPlain, maxId, maxOctal11, tarName} from './header.js';

/** The prefix under which all common tools keep extended attributes. */
export const xattrPrefix = 'SCHILY.xattr.';

/**
 * The PAX records of an entry: only what a USTAR header cannot say, in the order of their keys. Undefined for the
 * common entry, which needs none.
 */
export function paxRecords(header: EntryHeader): Buffer | undefined {
	const records: Array<readonly [string, Uint8Array]> = [];
	const add = (key: string, value: string): void => {
		records.push([key, encodeName(value)]);
	};
	if (header.xattrs !== undefined) {
		for (const [name, value] of Object.entries(header.xattrs)) records.push([xattrPrefix + name, value]);
	}
	if (header.gid > maxId) add('gid', String(header.gid));
	if (header.linkname !== undefined && !(header.linkname.length <= 100 && isPlain(header.linkname)))
		add('linkpath', header.linkname);
	if (header.mtime < 0 || header.mtime > maxOctal11 || (header.mtimeNsec ?? 0) !== 0) add('mtime', formatTime(header));
	const path = tarName(header);
	if (!fitsUstar(path)) add('path', path);
	if (header.size > maxOctal11) add('size', String(header.size));
	if (header.uid > maxId) add('uid', String(header.uid));
	if (records.length === 0) return undefined;
	records.sort(([a], [b]) => (a < b ? -1 : 1));
	return Buffer.concat(records.map(([key, value]) => formatRecord(key, value)));
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function formatRecord(key: string, value: Uint8Array): Buffer {
	const name = encodeName(key);
	const rest = name.length + value.length + 3;
	let length = rest + String(rest).length;
	if (String(length).length !== String(rest).length) length = rest + String(length).length;
	return Buffer.concat([Buffer.from(`${length} `), name, Buffer.from('='), value, Buffer.from('\n')]);
}

/** Decimal seconds. The header holds them rounded down with the fraction counting up, so -1.5 is {-2, 500000000}. */
function formatTime(header: EntryHeader): string {
	const nsec = header.mtimeNsec ?? 0;
	if (nsec === 0) return String(header.mtime);
	const negative = header.mtime < 0;
	const whole = negative ? -header.mtime - 1 : header.mtime;
	const fraction = String(negative ? 1_000_000_000 - nsec : nsec).padStart(9, '0');
	return `${negative ? '-' : ''}${whole}.${fraction.replace(/0+$/, '')}`;
}

/** A record as found: keys repeat in GNU sparse headers, so this is a list. */
export type PaxRecord = readonly [key: string, value: Buffer];

/** @throws SealError ERR_TAR_FORMAT */
export function parsePax(bytes: Buffer): PaxRecord[] {
	const records: PaxRecord[] = [];
	let at = 0;
	while (at < bytes.length) {
		const space = bytes.indexOf(0x20, at);
		const digits = bytes.toString('latin1', at, Math.min(space, at + 20));
		const end = at + Number(digits);
		if (space < 0 || !/^[0-9]+$/.test(digits) || end > bytes.length || end <= space + 1 || bytes[end - 1] !== 0x0a)
			throw damaged();
		const equals = bytes.indexOf(0x3d, space);
		if (equals <= space + 1 || equals >= end) throw damaged();
		records.push([bytes.toString('utf8', space + 1, equals), bytes.subarray(equals + 1, end - 1)]);
		at = end;
	}
	return records;
}

/** Seconds and nanoseconds of a PAX time. @throws SealError ERR_TAR_FORMAT */
export function parseTime(text: string): {readonly mtime: number; readonly mtimeNsec: number} {
	const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(text);
	if (match === null)
		throw new SealError('ERR_TAR_FORMAT', `The archive has the time ${JSON.stringify(text.slice(0, 40))}`);
	const whole = Number(match[2]);
	const nsec = Number((match[3] ?? '').slice(0, 9).padEnd(9, '0'));
	if (match[1] === '') return {mtime: whole, mtimeNsec: nsec};
	return nsec === 0 ? {mtime: -whole || 0, mtimeNsec: 0} : {mtime: -whole - 1, mtimeNsec: 1_000_000_000 - nsec};
}

function damaged(): SealError {
	return new SealError('ERR_TAR_FORMAT', 'The archive has a damaged PAX header');
}
