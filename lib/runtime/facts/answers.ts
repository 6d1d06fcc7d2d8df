/** What a host answered: lines of files by path, and lines of everything else by tag. */
export interface Answers {
	/** The lines of a file, or of what was picked from it; empty when it could not be read. */
	lines(path: string): readonly string[];
	/** The first line of a file that is not blank, trimmed. */
	line(path: string): string | undefined;
	/** What the script said under a tag. */
	said(tag: string): readonly string[];
	/** The files whose paths match, with their lines. */
	files(pattern: RegExp): readonly (readonly [path: string, lines: readonly string[]])[];
	/** The script came to its end. */
	readonly complete: boolean;
	/** The last tag or path: where a script that was cut off had come to. */
	readonly last: string | undefined;
}

/**
 * Sorts the output of the script. Each line names by itself what it belongs to (`PATH:CONTENT` or `TAG CONTENT`), so no content can
 * pass for another's, whatever newlines it holds. Text is made safe here, once: no control characters, nothing that turns
 * the direction of writing, no line beyond 4096 characters.
 */
export function readAnswers(output: Uint8Array): Answers {
	const files = new Map<string, string[]>();
	const tags = new Map<string, string[]>();
	let last: string | undefined;
	for (const raw of decoder.decode(output).split('\n', mostLines)) {
		const line = clean(raw);
		const isFile = line.startsWith('/');
		const end = line.indexOf(isFile ? ':' : ' ');
		const key = end < 0 ? line : line.slice(0, end);
		if (key === '') continue;
		last = key;
		const map = isFile ? files : tags;
		const held = map.get(key);
		const content = end < 0 ? '' : line.slice(end + 1);
		if (held === undefined) map.set(key, [content]);
		else held.push(content);
	}
	const lines = (path: string): readonly string[] => files.get(path) ?? [];
	return {
		lines,
		line: path =>
			lines(path)
				.find(line => line.trim() !== '')
				?.trim(),
		said: tag => tags.get(tag) ?? [],
		files: pattern => [...files].filter(([path]) => pattern.test(path)),
		complete: tags.has('end'),
		last,
	};
}

/** `KEY=VALUE` lines as of os-release: quotes are taken off, comments and everything else are passed over. */
export function assignments(lines: readonly string[]): ReadonlyMap<string, string> {
	const found = new Map<string, string>();
	for (const line of lines) {
		const match = /^\s*(?:export\s+)?([A-Za-z_]\w*)=(.*)$/.exec(line);
		if (match === null) continue;
		const value = match[2]!.trim();
		const quoted = /^"(.*)"$|^'(.*)'$/.exec(value);
		found.set(match[1]!, quoted?.[1]?.replace(/\\([\\"$`])/g, '$1') ?? quoted?.[2] ?? value);
	}
	return found;
}

/** A whole number that is not negative, or undefined. */
export function count(text: string | undefined): number | undefined {
	if (text === undefined || !/^\s*\d{1,19}\s*$/.test(text)) return undefined;
	return Number(text);
}

const decoder = new TextDecoder('utf-8', {ignoreBOM: true});
const longestLine = 4096;
/** Several times what the fullest host tells. */
const mostLines = 65_536;
const unsafe = /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

function clean(raw: string): string {
	return raw.slice(0, longestLine).replaceAll('\t', ' ').replace(unsafe, '');
}
