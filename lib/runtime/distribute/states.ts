import type {BlobQuery, BlobState} from '../content/content.js';
import {HostError} from '../host/error.js';

const kinds: readonly unknown[] = ['whole', 'unpacked', 'partial', 'absent'];

/**
 * Reads what a host says it has. Only blobs that it was asked about count, and only parts that they have.
 * @throws HostError ERR_DISTRIBUTE
 */
export function parseStates(host: string, value: unknown, asked: readonly BlobQuery[]): readonly BlobState[] {
	if (!Array.isArray(value)) throw new HostError(host, 'ERR_DISTRIBUTE', 'What it says it has is no list');
	const counts = new Map<string, number>(asked.map(({blob, partCount}) => [blob, partCount]));
	const states: BlobState[] = [];
	for (const item of value) {
		const {blob, state, parts} = (item ?? {}) as Partial<BlobState>;
		const count = blob === undefined ? undefined : counts.get(blob);
		if (blob === undefined || count === undefined || !kinds.includes(state)) continue;
		// The first word counts: said once more it is passed over.
		counts.delete(blob);
		if (state !== 'partial') states.push({blob, state: state!});
		else states.push({blob, state, parts: indexes(parts, count)});
	}
	return states;
}

function indexes(parts: unknown, count: number): readonly number[] {
	if (!Array.isArray(parts) || parts.length > count) return [];
	return [...new Set(parts as number[])].filter(index => Number.isInteger(index) && index >= 0 && index < count);
}
