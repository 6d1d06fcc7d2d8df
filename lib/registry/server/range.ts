/** A part of content, from `start` to before `end`. */
export interface Range {
	readonly start: number;
	readonly end: number;
}

/**
 * Reads a Range header (RFC 9110, 14.1.2) for content of this size: one range of bytes, its end clamped. 'all' when the header
 * asks for nothing that we know: several ranges and other units are answered with the whole, as the RFC allows;
 * 'none' when no byte lies in it.
 */
export function parseRange(header: string | undefined, sizeBytes: number): Range | 'all' | 'none' {
	const found = header === undefined ? null : /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header);
	if (found === null) return 'all';
	const [, first = '', last = ''] = found;
	if (first === '') {
		if (last === '') return 'all';
		const length = Math.min(Number(last), sizeBytes);
		return length === 0 ? 'none' : {start: sizeBytes - length, end: sizeBytes};
	}
	const start = Number(first);
	const end = last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes);
	return start < end ? {start, end} : 'none';
}

/** The Range of an upload, which is inclusive; an empty upload has the one of a single byte (distribution-spec, "Pushing blobs"). */
export function uploadRange(sizeBytes: number): string {
	return `0-${Math.max(0, sizeBytes - 1)}`;
}

/**
 * Reads the Content-Range of a chunk: `0-99` (distribution-spec), or `bytes 0-99/200` as HTTP writes it.
 * Undefined when it is neither.
 */
export function parseContentRange(header: string): Range | undefined {
	const found = /^(?:bytes[ =]\s*)?(\d{1,15})-(\d{1,15})(?:\/(?:\d{1,15}|\*))?$/i.exec(header.trim());
	if (found === null) return undefined;
	const start = Number(found[1]);
	const end = Number(found[2]) + 1;
	return start < end ? {start, end} : undefined;
}
