import type {AddInstruction, CopyInstruction, Heredoc} from '../../syntax.js';
import type {FlagValues} from '../flags.js';
import {type InstructionLine, readFlags, restWord} from '../instruction-line.js';
import {parseJsonForm} from '../json-form.js';
import {splitBlanks, type Word} from '../split.js';

const shared = {chown: 'text', chmod: 'text', link: 'boolean', exclude: 'list'} as const;

/** `COPY [flags] source... destination` */
export function parseCopy(line: InstructionLine): CopyInstruction | undefined {
	const flags = readFlags(line, {from: 'text', ...shared, parents: 'boolean'});
	if (flags === undefined) return undefined;
	const from = flags.text('from');
	if (from?.includes('$')) {
		const message = 'Variable expansion is not supported for --from';
		const hint = 'Define a new stage with FROM using an ARG from global scope, and copy from that stage.';
		return line.fail('CopyFromVariable', message, {hint, at: flagWord(line, 'from')});
	}
	if (from === '') return line.fail('InvalidFlag', 'Missing a value on flag: --from', {at: flagWord(line, 'from')});
	const paths = parsePaths(line);
	return (
		paths && {
			kind: 'COPY',
			...line.base,
			...paths,
			...sharedValues(flags),
			...(from === undefined ? {} : {from}),
			parents: flags.boolean('parents') ?? false,
		}
	);
}

/** `ADD [flags] source... destination` */
export function parseAdd(line: InstructionLine): AddInstruction | undefined {
	const flags = readFlags(line, {...shared, checksum: 'text', unpack: 'boolean', 'keep-git-dir': 'boolean'});
	if (flags === undefined) return undefined;
	const paths = parsePaths(line);
	const checksum = flags.text('checksum');
	const unpack = flags.boolean('unpack');
	const keepGitDir = flags.boolean('keep-git-dir');
	return (
		paths && {
			kind: 'ADD',
			...line.base,
			...paths,
			...sharedValues(flags),
			...(checksum === undefined ? {} : {checksum}),
			...(unpack === undefined ? {} : {unpack}),
			...(keepGitDir === undefined ? {} : {keepGitDir}),
		}
	);
}

interface Paths {
	readonly sources: readonly string[];
	readonly heredocs: readonly Heredoc[];
	readonly destination: string;
}

function parsePaths(line: InstructionLine): Paths | undefined {
	const json = parseJsonForm(line.rest);
	if (json.kind === 'invalid') return line.fail('InvalidJson', json.message, {at: restWord(line)});
	const words: readonly Word[] =
		json.kind === 'array' ? json.items.map(text => ({...restWord(line), text})) : splitOutside(line);
	const last = words.at(-1);
	const final = line.marks.at(-1);
	if (final !== undefined && final.end === line.rest.length) {
		return line.fail('HeredocDestination', `${line.name} cannot accept a heredoc as destination`, {
			hint: 'Write the destination behind the heredoc.',
			at: restWord(line),
		});
	}
	if (last === undefined) return line.fail('WrongArguments', `${line.name} requires at least two arguments`);
	const sources = words.slice(0, -1).map(word => word.text);
	if (sources.length + line.heredocs.length === 0) {
		const message = `${line.name} requires at least two arguments, but only one was provided. Destination could not be determined`;
		return line.fail('WrongArguments', message, {hint: `Write ${line.name} SOURCE... DESTINATION.`, at: last});
	}
	return {sources, heredocs: line.heredocs, destination: last.text};
}

/** The words of the line that belong to no heredoc: a heredoc's name may hold blanks. */
function splitOutside(line: InstructionLine): Word[] {
	const words: Word[] = [];
	let position = 0;
	for (const {start, end} of [...line.marks, {start: line.rest.length, end: line.rest.length}]) {
		words.push(...splitBlanks(line.rest.slice(position, start), line.restStart + position));
		position = end;
	}
	return words;
}

function sharedValues(flags: FlagValues): Pick<CopyInstruction, 'chown' | 'chmod' | 'link' | 'exclude'> {
	const chown = flags.text('chown');
	const chmod = flags.text('chmod');
	return {
		...(chown === undefined ? {} : {chown}),
		...(chmod === undefined ? {} : {chmod}),
		link: flags.boolean('link') ?? false,
		exclude: flags.list('exclude'),
	};
}

function flagWord(line: InstructionLine, name: string): Word {
	return line.flagWords.find(({text}) => text.startsWith(`--${name}=`)) ?? restWord(line);
}
