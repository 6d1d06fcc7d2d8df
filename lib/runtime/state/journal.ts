import {type Digest, isDigest} from '../../oci/digest.js';

/** What was done on a host: the key of an action under its id. */
export interface JournalEntry {
	readonly id: string;
	readonly key: Digest;
}

/** Of an id; plans have shorter ones. */
export const maxIdChars = 500;
/** Of the whole file: longer ones were not written by us. */
export const maxJournalBytes: number = 512 * 1024;

export function formatEntries(entries: readonly JournalEntry[]): string {
	return entries.map(({id, key}) => `${JSON.stringify({id, key})}\n`).join('');
}

/**
 * The last key of each id. A line that is none of ours is passed over: a power cut leaves the last one torn, or zeros in its
 * place, and what is not known to be done is done again.
 */
export function parseJournal(content: string): Readonly<Record<string, Digest>> {
	if (content.length > maxJournalBytes) return {};
	const done = new Map<string, Digest>();
	for (const line of content.split('\n')) {
		const entry = parseEntry(line);
		if (entry !== undefined) done.set(entry.id, entry.key);
	}
	return Object.fromEntries(done);
}

export function isJournalEntry(value: unknown): value is JournalEntry {
	const {id, key} = (value ?? {}) as Partial<JournalEntry>;
	return typeof id === 'string' && id.length > 0 && id.length <= maxIdChars && isVisible(id) && isDigest(key);
}

function parseEntry(line: string): JournalEntry | undefined {
	if (!line.startsWith('{') || !line.endsWith('}')) return undefined;
	try {
		const value: unknown = JSON.parse(line);
		return isJournalEntry(value) ? value : undefined;
	} catch {
		return undefined;
	}
}

function isVisible(id: string): boolean {
	return !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(id);
}
