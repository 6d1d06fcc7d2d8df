import {createInterface} from 'node:readline';
import type {Readable} from 'node:stream';

/** Each line as it comes; a last one that was not finished is none. */
export function eachLine(from: Readable, onLine: (line: string) => void): void {
	createInterface({input: from, crlfDelay: Number.POSITIVE_INFINITY}).on('line', line => onLine(line));
}
