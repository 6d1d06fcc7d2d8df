/**
 * Text that may hold anything (file names, labels, messages of servers) made safe for a terminal: control characters,
 * which could move the cursor or hide lines, and characters that reorder text become visible escapes.
 */
export function printable(text: string): string {
	return text.replace(unsafe, character => {
		const code = character.codePointAt(0)!;
		// Names that are not UTF-8 keep their raw bytes as lone surrogates U+DC80 to U+DCFF.
		if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
		return (
			named[character] ?? (code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`)
		);
	});
}

const unsafe =
	/[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const named: Readonly<Record<string, string>> = {'\n': '\\n', '\t': '\\t', '\r': '\\r'};

/** `printable` for texts of several lines: newlines stay, tabs become spaces. */
export function printableLines(text: string): string[] {
	return text.split(/\r?\n/).map(line => printable(line.replaceAll('\t', '    ')));
}

/** The columns that a text takes on a terminal; escape sequences take none, East Asian wide characters two. */
export function textWidth(text: string): number {
	let width = 0;
	for (const character of text.replace(escapes, '')) width += characterWidth(character.codePointAt(0)!);
	return width;
}

/** Cuts at `width` columns with an ellipsis. For texts without escape sequences. */
export function truncate(text: string, width: number): string {
	if (textWidth(text) <= width) return text;
	let taken = '';
	let used = 0;
	for (const character of text) {
		const next = characterWidth(character.codePointAt(0)!);
		if (used + next > width - 1) break;
		taken += character;
		used += next;
	}
	return width < 1 ? '' : `${taken}…`;
}

export function padEnd(text: string, width: number): string {
	return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}

export function padStart(text: string, width: number): string {
	return ' '.repeat(Math.max(0, width - textWidth(text))) + text;
}

/** Breaks between words; a word longer than the width stays whole. Newlines in the text are kept. */
export function wrap(text: string, width: number): string[] {
	return text.split('\n').flatMap(paragraph => {
		const lines: string[] = [];
		let line = '';
		for (const word of paragraph.split(' ')) {
			if (line !== '' && textWidth(line) + 1 + textWidth(word) > Math.max(20, width)) {
				lines.push(line);
				line = word;
			} else line = line === '' ? word : `${line} ${word}`;
		}
		return [...lines, line];
	});
}

const escapes = /\x1b\[[0-9;?]*[A-Za-z]/g;

/** Unicode's East Asian Width, coarsely: the blocks that terminals draw two columns wide; marks that combine take none. */
function characterWidth(code: number): number {
	if (code < 0x300) return 1;
	if ((code >= 0x300 && code <= 0x36f) || code === 0x200b || code === 0x200d || (code >= 0xfe00 && code <= 0xfe0f))
		return 0;
	const wide =
		(code >= 0x1100 && code <= 0x115f) ||
		(code >= 0x2e80 && code <= 0xa4cf) ||
		(code >= 0xac00 && code <= 0xd7a3) ||
		(code >= 0xf900 && code <= 0xfaff) ||
		(code >= 0xfe30 && code <= 0xfe6f) ||
		(code >= 0xff00 && code <= 0xff60) ||
		(code >= 0xffe0 && code <= 0xffe6) ||
		(code >= 0x1f300 && code <= 0x1faff) ||
		(code >= 0x20000 && code <= 0x3fffd);
	return wide ? 2 : 1;
}
