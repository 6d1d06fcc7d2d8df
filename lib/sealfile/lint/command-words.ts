/** A program that a command line calls. */
export interface CalledCommand {
	readonly name: string;
	/** The first argument that is no flag: the script, for a shell. */
	readonly operand?: string | undefined;
	/** A `cd` came before: relative paths are no longer those of the image. */
	readonly moved: boolean;
}

const keywords: ReadonlySet<string> = new Set(
	'! { } ( ) if then else elif fi for while until do done case esac in function select time'.split(' '),
);
/** Programs that run the program named next. */
const wrappers: ReadonlySet<string> = new Set([
	'sudo',
	'exec',
	'env',
	'nohup',
	'command',
	'time',
	'nice',
	'ionice',
	'timeout',
]);

/**
 * The programs that a shell command line calls, as far as a look without a shell tells: variables as names, here-documents,
 * functions and substitutions are passed over rather than guessed.
 */
export function calledCommands(line: string): readonly CalledCommand[] {
	const calls: CalledCommand[] = [];
	const functions = new Set([...line.matchAll(/(?:^|[\s;&|])([\w-]+)\s*\(\s*\)/g)].map(match => match[1]));
	let moved = false;
	for (const words of simpleCommands(line)) {
		let position = 0;
		let wrapped = false;
		for (; position < words.length; position++) {
			const word = words[position] as string;
			if (/^\w+\+?=/.test(word) || keywords.has(word)) continue;
			if (wrapped && (word.startsWith('-') || /^\d+[smhd]?$/.test(word))) continue;
			if (!wrappers.has(word)) break;
			wrapped = true;
		}
		const name = words[position];
		if (name === undefined || !/^[\w./+-]+$/.test(name) || functions.has(name)) continue;
		if (/^(?:for|case|select)$/.test(words[position - 1] ?? '')) continue;
		const operand = words.slice(position + 1).find(word => !word.startsWith('-'));
		calls.push({name, moved, ...(operand === undefined ? {} : {operand})});
		if (name === 'cd' || name === 'pushd') moved = true;
	}
	return calls;
}

/** Words of each command between `;`, `&`, `|`, newlines and parentheses; quotes are taken off. */
function simpleCommands(line: string): string[][] {
	let current: string[] = [];
	const commands = [current];
	/** Commands that go on after the substitution inside them. */
	const outer: string[][] = [];
	let word = '';
	let isWord = false;
	const endWord = (): void => {
		if (isWord) current.push(word);
		word = '';
		isWord = false;
	};
	const begin = (): void => {
		endWord();
		current = [];
		commands.push(current);
	};
	for (let i = 0; i < line.length; i++) {
		const char = line[i] as string;
		if (char === "'" || char === '"') {
			const end = closingQuote(line, i);
			word += line.slice(i + 1, end);
			isWord = true;
			i = end;
		} else if (char === '\\') {
			word += line[++i] ?? '';
			isWord = true;
		} else if (char === '$' && line[i + 1] === '(') {
			// The value of a substitution is not known; what is called inside is.
			word += '$';
			isWord = true;
			const before = current;
			begin();
			outer.push(before);
			i++;
		} else if (char === ')' && outer.length > 0) {
			endWord();
			current = outer.pop() as string[];
		} else if (/[;&|\n()]/.test(char)) {
			// `2>&1` and `&>file` are no ends of a command.
			if (char === '&' && (line[i - 1] === '>' || line[i + 1] === '>')) continue;
			begin();
		} else if (char === '#' && !isWord) {
			while (i + 1 < line.length && line[i + 1] !== '\n') i++;
		} else if (/\s/.test(char)) endWord();
		else {
			word += char;
			isWord = true;
		}
	}
	endWord();
	return commands.map(words =>
		words.filter((part, at) => !/^\d*[<>]/.test(part) && !/^\d*[<>]+$/.test(words[at - 1] ?? '')),
	);
}

function closingQuote(line: string, start: number): number {
	const quote = line[start];
	for (let i = start + 1; i < line.length; i++) {
		if (line[i] === '\\' && quote === '"') i++;
		else if (line[i] === quote) return i;
	}
	return line.length;
}
