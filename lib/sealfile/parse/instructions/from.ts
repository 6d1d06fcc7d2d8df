import type {FromInstruction} from '../../syntax.js';
import {docCommentOf, type InstructionLine, readFlags, restWord} from '../instruction-line.js';
import {splitBlanks} from '../split.js';

/** `FROM [--platform=P] image [AS name]` */
export function parseFrom(line: InstructionLine): FromInstruction | undefined {
	const flags = readFlags(line, {platform: 'text'});
	if (flags === undefined) return undefined;
	const words = splitBlanks(line.rest, line.restStart);
	const [image, as, name] = words;
	if (image === undefined || (words.length !== 1 && !(words.length === 3 && as!.text.toLowerCase() === 'as'))) {
		const hint = 'Write FROM image or FROM image AS name.';
		return line.fail('WrongArguments', 'FROM requires either one or three arguments', {hint, at: restWord(line)});
	}
	const stageName = name?.text.toLowerCase();
	if (stageName !== undefined && !/^[a-z][a-z0-9-_.]*$/.test(stageName)) {
		const message = `Invalid name for build stage: "${name!.text}", name can't start with a number or contain symbols`;
		return line.fail('InvalidStageName', message, {hint: 'Use letters, digits, "-", "_" and ".".', at: name!});
	}
	const platform = flags.text('platform');
	return {
		kind: 'FROM',
		...line.base,
		...(stageName === undefined ? {} : docCommentOf(line.comments, stageName)),
		image: image.text,
		...(platform === undefined ? {} : {platform}),
		...(stageName === undefined ? {} : {name: stageName}),
	};
}
