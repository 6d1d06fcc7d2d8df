import {SealError} from '../../../../core/errors.js';

/** A line of an ssh_config(5) file. */
export interface ConfigLine {
	/** In lower case. */
	readonly keyword: string;
	readonly args: readonly string[];
	/** The arguments as one text, for keywords whose value is the rest of the line. */
	readonly rest: string;
	readonly file: string;
	readonly line: number;
	/** Of an Include: the lines of each file it names. */
	readonly included?: readonly (readonly ConfigLine[])[];
}

/** Reads the lines of a configuration file of OpenSSH. @throws SealError ERR_SSH_CONFIG with `details.file` and `details.line` */
export function parseConfig(text: string, file: string): readonly ConfigLine[] {
	return text.split('\n').flatMap((raw, index) => {
		const found = /^\s*([A-Za-z][A-Za-z0-9]*)(?:[ \t]*=[ \t]*|[ \t]+|$)(.*)$/.exec(raw.replace(/[\s\f]+$/, ''));
		if (found === null) {
			if (/^\s*(?:#.*)?$/.test(raw)) return [];
			throw configError({file, line: index + 1}, 'Expected a keyword and its value', 'Correct the line.');
		}
		const place = {file, line: index + 1};
		const [, keyword = '', rest = ''] = found;
		return [{keyword: keyword.toLowerCase(), args: splitArguments(rest, place), rest, ...place}];
	});
}

/** @throws nothing: it makes the error for a place in a configuration file */
export function configError(
	place: {readonly file: string; readonly line: number},
	message: string,
	hint: string,
): SealError {
	return new SealError('ERR_SSH_CONFIG', `${message}, in line ${place.line} of ${place.file}`, {
		hint,
		details: {file: place.file, line: place.line},
	});
}

/** Words between blanks; quotes hold blanks together, `#` at the beginning of a word begins a comment. */
function splitArguments(text: string, place: {readonly file: string; readonly line: number}): readonly string[] {
	const words: string[] = [];
	let position = 0;
	for (;;) {
		while (text[position] === ' ' || text[position] === '\t') position++;
		if (position >= text.length || text[position] === '#') return words;
		let word = '';
		let quote = '';
		for (; position < text.length; position++) {
			const character = text[position]!;
			if (character === '\\' && /["'\\ ]/.test(text[position + 1] ?? '')) word += text[++position];
			else if (character === quote) quote = '';
			else if (quote === '' && (character === '"' || character === "'")) quote = character;
			else if (quote === '' && (character === ' ' || character === '\t')) break;
			else word += character;
		}
		if (quote !== '') throw configError(place, 'A quotation mark is not closed', 'Close it.');
		words.push(word);
	}
}
