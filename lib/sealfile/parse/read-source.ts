import type {Diagnostic} from '../diagnostic.js';
import {lineAt} from '../place.js';

/** BuildKit's limit for one line, in bytes of UTF-8. */
export const maxLineBytes = 65_535;

/** A Sealfile is text that people write: larger than this it is something else. */
export const maxFileBytes = 4 * 1024 * 1024;

export interface SourceText {
	readonly text: string;
	readonly problems: readonly Diagnostic[];
}

/**
 * Turns bytes into text: drops the byte order mark and reports what is no text. Input beyond the size limit is not
 * decoded at all; the message then names its first line that is too long, if there is one.
 */
export function readSource(input: string | Uint8Array, file: string): SourceText {
	if (input.length > maxFileBytes) return {text: '', problems: [describeHuge(input, file)]};
	const problems: Diagnostic[] = [];
	let text: string;
	if (typeof input === 'string') {
		text = input;
	} else {
		text = new TextDecoder('utf-8', {ignoreBOM: true}).decode(input);
		if (text.includes('\uFFFD') && !isUtf8(input)) {
			const hint = 'Save the file as UTF-8.';
			problems.push(problemAt(text, text.indexOf('\uFFFD'), file, 'InvalidUtf8', 'The file is not valid UTF-8', hint));
		}
	}
	if (text.startsWith('\uFEFF')) text = text.slice(1);
	const nul = text.indexOf('\0');
	if (nul !== -1) {
		const hint = 'Check that this is a text file.';
		problems.push(problemAt(text, nul, file, 'NulByte', 'The file contains a NUL byte', hint));
	}
	return {text, problems};
}

/** True when the text takes more than `maxLineBytes` in UTF-8; counts only where the length leaves it open. */
export function isTooLong(text: string): boolean {
	if (text.length > maxLineBytes) return true;
	return text.length * 3 > maxLineBytes && Buffer.byteLength(text) > maxLineBytes;
}

function describeHuge(input: string | Uint8Array, file: string): Diagnostic {
	let line = 1;
	for (let start = 0; ; line++) {
		const found = typeof input === 'string' ? input.indexOf('\n', start) : input.indexOf(10, start);
		const end = found === -1 ? input.length : found;
		if (end - start > maxLineBytes) {
			return at(file, line, 1, '', 'LineTooLong', `Line greater than max allowed size of ${maxLineBytes}`);
		}
		if (found === -1) break;
		start = end + 1;
	}
	const message = `The file is larger than ${maxFileBytes} bytes`;
	return at(file, 1, 1, '', 'FileTooLarge', message, 'Check that this is a Sealfile.');
}

function isUtf8(bytes: Uint8Array): boolean {
	try {
		new TextDecoder('utf-8', {fatal: true}).decode(bytes);
		return true;
	} catch {
		return false;
	}
}

function problemAt(
	text: string,
	offset: number,
	file: string,
	code: string,
	message: string,
	hint: string,
): Diagnostic {
	const start = text.lastIndexOf('\n', offset - 1) + 1;
	let line = 1;
	for (let i = text.indexOf('\n'); i !== -1 && i < offset; i = text.indexOf('\n', i + 1)) line++;
	return at(file, line, offset - start + 1, lineAt(text, start), code, message, hint);
}

function at(
	file: string,
	line: number,
	column: number,
	lineText: string,
	code: string,
	message: string,
	hint?: string,
): Diagnostic {
	return {
		severity: 'error',
		code,
		message,
		...(hint === undefined ? {} : {hint}),
		file,
		range: {startLine: line, startColumn: column, endLine: line, endColumn: column + 1},
		lineText,
	};
}
