import type {ArgInstruction, EnvInstruction, KeyValue, LabelInstruction} from '../../syntax.js';
import {docCommentOf, type InstructionLine, readFlags} from '../instruction-line.js';
import {splitWords} from '../split.js';

/** `ARG name[=default] ...` */
export function parseArg(line: InstructionLine): ArgInstruction | undefined {
	if (readFlags(line) === undefined) return undefined;
	const words = splitWords(line.rest, line.restStart, line.escape);
	const [first] = words;
	if (first === undefined) return line.fail('WrongArguments', 'ARG requires at least one argument');
	const args: Array<{name: string; value?: string}> = [];
	for (const word of words) {
		const at = word.text.indexOf('=');
		if (at === 0) return line.fail('BlankName', 'ARG names can not be blank', {at: word});
		args.push(at === -1 ? {name: word.text} : {name: word.text.slice(0, at), value: word.text.slice(at + 1)});
	}
	return {kind: 'ARG', ...line.base, ...docCommentOf(line.comments, args[0]!.name), args};
}

/** `ENV key=value ...`, or the legacy `ENV key value with blanks` */
export function parseEnv(line: InstructionLine): EnvInstruction | undefined {
	const parsed = parsePairs(line, 'ENV');
	return parsed && {kind: 'ENV', ...line.base, ...parsed};
}

/** `LABEL key=value ...`, or the legacy `LABEL key value with blanks` */
export function parseLabel(line: InstructionLine): LabelInstruction | undefined {
	const parsed = parsePairs(line, 'LABEL');
	return parsed && {kind: 'LABEL', ...line.base, ...parsed};
}

function parsePairs(
	line: InstructionLine,
	name: string,
): {readonly pairs: readonly KeyValue[]; readonly legacy: boolean} | undefined {
	if (readFlags(line) === undefined) return undefined;
	const words = splitWords(line.rest, line.restStart, line.escape);
	const [first] = words;
	const hint = `Write ${name} name=value.`;
	if (first === undefined) return line.fail('WrongArguments', `${name} requires at least one argument`, {hint});
	if (!first.text.includes('=')) {
		// The first blank ends the key, also inside quotes: the legacy form knows none there.
		const match = /^(\S+)\s+(.+)$/su.exec(line.rest);
		if (match === null) return line.fail('WrongArguments', `${name} must have two arguments`, {hint, at: first});
		return {pairs: [{key: match[1]!, value: match[2]!}], legacy: true};
	}
	const pairs: KeyValue[] = [];
	for (const word of words) {
		const at = word.text.indexOf('=');
		if (at === -1) {
			const message = `Can't find = in "${word.text}", must be of the form: name=value`;
			return line.fail('MissingEquals', message, {hint: 'Put quotes around a value with blanks.', at: word});
		}
		if (at === 0) return line.fail('BlankName', `${name} names can not be blank`, {at: word});
		pairs.push({key: word.text.slice(0, at), value: word.text.slice(at + 1)});
	}
	return {pairs, legacy: false};
}
