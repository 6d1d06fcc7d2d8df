import type {Command, Flag, Flags, Operand, Verb} from './command.js';
import {globalFlags} from './global-flags.js';
import type {Style} from './render/style.js';
import {wrap} from './render/text.js';

/** The page of `sealimage help`. */
export function overviewHelp(verbs: readonly Verb[], style: Style, width: number): string {
	const shown = verbs.filter(verb => verb.hidden !== true);
	const groups = [...new Set(shown.map(verb => verb.group))];
	const nameWidth = Math.max(...shown.map(verb => verb.name.length));
	return paragraphs([
		'Build, ship and run whole clusters as one OCI image.',
		`${style.bold('Usage:')}\n  sealimage [flags] COMMAND [arguments]`,
		...groups.map(group =>
			[
				style.bold(`${group}:`),
				...shown
					.filter(verb => verb.group === group)
					.flatMap(verb => columns(verb.name, verb.summary + aliasesOf(verb), nameWidth, width)),
			].join('\n'),
		),
		flagSection('Global flags', globalFlags, style, width),
		wrap('Run "sealimage COMMAND --help" for its flags and examples.', width).join('\n'),
	]);
}

/** The page of `sealimage help manifest`. */
export function groupHelp(group: string, verbs: readonly Verb[], style: Style, width: number): string {
	const members = verbs.filter(verb => verb.name.startsWith(`${group} `));
	const nameWidth = Math.max(...members.map(verb => verb.name.length));
	return paragraphs([
		`${style.bold('Usage:')}\n  sealimage ${group} COMMAND [flags] [arguments]`,
		[style.bold('Commands:'), ...members.flatMap(verb => columns(verb.name, verb.summary, nameWidth, width))].join(
			'\n',
		),
	]);
}

/** The page of `sealimage VERB --help`. */
export function commandHelp(verb: Verb, command: Command, style: Style, width: number): string {
	const operandWidth = Math.max(0, ...command.operands.map(operand => operand.name.length));
	return paragraphs([
		`${verb.summary}.`,
		`${style.bold('Usage:')}\n  ${usageLine(verb, command)}`,
		...(verb.aliases === undefined ? [] : [`${style.bold('Aliases:')} ${verb.aliases.join(', ')}`]),
		...(command.description ?? '')
			.split('\n')
			.filter(text => text !== '')
			.map(text => wrap(text, width).join('\n')),
		...(command.operands.length === 0
			? []
			: [
					[
						style.bold('Arguments:'),
						...command.operands.flatMap(operand => columns(operand.name, operand.help, operandWidth, width)),
					].join('\n'),
				]),
		flagSection('Flags', command.flags, style, width),
		flagSection('Global flags', inherited(command.flags), style, width),
		...(command.examples.length === 0
			? []
			: [
					[
						style.bold('Examples:'),
						...command.examples.map(
							example =>
								`${wrap(example.about, width - 4)
									.map(line => `  ${style.dim(`# ${line}`)}`)
									.join('\n')}\n  ${example.line}`,
						),
					].join('\n'),
				]),
	]);
}

/** `sealimage build [flags] [CONTEXT]`. */
export function usageLine(verb: Verb, command: Command): string {
	return ['sealimage', verb.name, '[flags]', ...command.operands.map(operandUsage)].join(' ');
}

/** `-t, --tag NAME`. */
export function flagUsage(name: string, flag: Flag): string {
	const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
	const value = flag.value ?? name.toUpperCase();
	if (flag.type === 'boolean') return flag.default === true ? `${short}--[no-]${name}` : `${short}--${name}`;
	return flag.type === 'string' && flag.implied !== undefined
		? `${short}--${name}[=${value}]`
		: `${short}--${name} ${value}`;
}

/** The help of a flag with what follows from its type: choices, default, repeatable. */
export function flagText(flag: Flag): string {
	const facts = [
		...('choices' in flag && flag.choices !== undefined ? [`one of ${flag.choices.join(', ')}`] : []),
		...(flag.type === 'list'
			? [flag.separator === undefined ? 'repeatable' : 'repeatable, or separated by commas']
			: []),
		...(flag.type !== 'list' && flag.default !== undefined && flag.default !== false
			? [`default ${flag.default}`]
			: []),
	];
	if (facts.length === 0) return flag.help;
	const open = flag.help.endsWith(')') ? `${flag.help.slice(0, -1)}; ` : `${flag.help} (`;
	return `${open}${facts.join('; ')})`;
}

/** The global flags that a command does not define itself. */
export function inherited(own: Flags): Flags {
	return Object.fromEntries(Object.entries(globalFlags).filter(([name]) => !Object.hasOwn(own, name)));
}

function flagSection(title: string, flags: Flags, style: Style, width: number): string {
	const shown = Object.entries(flags).filter(([, flag]) => flag.hidden !== true);
	if (shown.length === 0) return '';
	const nameWidth = Math.min(28, Math.max(...shown.map(([name, flag]) => flagUsage(name, flag).length)));
	return [
		style.bold(`${title}:`),
		...shown.flatMap(([name, flag]) => columns(flagUsage(name, flag), flagText(flag), nameWidth, width)),
	].join('\n');
}

/** A name and its text beside it, wrapped under itself; a long name, or a narrow terminal, puts the text on the next line. */
function columns(name: string, text: string, nameWidth: number, width: number): string[] {
	const indent = width < 50 ? 6 : nameWidth + 4;
	const lines = wrap(text, width - indent);
	const beside = name.length + 4 <= indent;
	const rest = (beside ? lines.slice(1) : lines).map(line => `${' '.repeat(indent)}${line}`);
	return [beside ? `  ${name.padEnd(indent - 2)}${lines[0] ?? ''}`.trimEnd() : `  ${name}`, ...rest];
}

function operandUsage(operand: Operand): string {
	const name = operand.variadic === true ? `${operand.name}...` : operand.name;
	return operand.optional === true ? `[${name}]` : name;
}

function aliasesOf(verb: Verb): string {
	return verb.aliases === undefined ? '' : ` (also ${verb.aliases.join(', ')})`;
}

function paragraphs(parts: readonly string[]): string {
	return `${parts.filter(part => part !== '').join('\n\n')}\n`;
}
