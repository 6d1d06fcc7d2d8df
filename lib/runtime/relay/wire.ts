import {SealError} from '../../core/errors.js';
import {isDigest} from '../../oci/digest.js';
import {type Part, partBytes} from '../content/part.js';

/**
 * What hosts say to each other inside TLS. The client sends a part as a line of JSON; the server answers with `{"sizeBytes":n}` in
 * a line and the bytes, or with `{"missing":true}`. Then the next request may follow.
 */
export const maxLineBytes = 1024;

/** Whether the part is there, as the server answers. */
export type RelayAnswer = {readonly sizeBytes: number} | {readonly missing: true};

export function formatLine(value: Part | RelayAnswer): string {
	return `${JSON.stringify(value)}\n`;
}

/** @throws SealError ERR_RELAY */
export function parseRequest(line: Buffer): Part {
	const part = parseJson(line) as Partial<Part> | null;
	if (!isPart(part)) throw new SealError('ERR_RELAY', 'A request for content makes no sense');
	const {blob, index, sizeBytes, digest} = part;
	return {blob, index, sizeBytes, digest};
}

/** @throws SealError ERR_RELAY */
export function parseAnswer(line: Buffer): RelayAnswer {
	const {sizeBytes, missing} = (parseJson(line) ?? {}) as {readonly sizeBytes?: unknown; readonly missing?: unknown};
	if (missing === true) return {missing};
	if (Number.isSafeInteger(sizeBytes)) return {sizeBytes: sizeBytes as number};
	throw new SealError('ERR_RELAY', 'The answer to a request for content makes no sense');
}

/** True for a part with everything that belongs to it. */
export function isPart(value: unknown): value is Part {
	const {blob, index, sizeBytes, digest} = (value ?? {}) as Partial<Part>;
	return (
		isDigest(blob) &&
		isDigest(digest) &&
		Number.isSafeInteger(index) &&
		(index as number) >= 0 &&
		Number.isSafeInteger(sizeBytes) &&
		(sizeBytes as number) >= 0 &&
		(sizeBytes as number) <= partBytes
	);
}

function parseJson(line: Buffer): unknown {
	try {
		return JSON.parse(line.toString());
	} catch (error) {
		throw new SealError('ERR_RELAY', 'A line between hosts is no JSON', {cause: error});
	}
}
