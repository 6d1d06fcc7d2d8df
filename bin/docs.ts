import {errorCodes} from '../lib/core/codes.js';
import {preflightTopics} from '../lib/runtime/preflight/checks.js';
import type {Command, Flags, Verb} from './command.js';
import {exitCodes} from './exit-codes.js';
import {globalFlags} from './global-flags.js';
import {flagText, flagUsage, usageLine} from './help.js';
import {settingHelp} from './settings.js';

/** `docs/cli.md`: every command with its flags and examples, from the same tables that the command line reads. */
export async function cliPage(verbs: readonly Verb[]): Promise<string> {
	const shown = verbs.filter(verb => verb.hidden !== true);
	const sections: string[] = [];
	for (const verb of shown) sections.push(commandSection(verb, await verb.load()));
	return `${[
		'# The command line',
		'Printed from the tables of the command line by `npm run docs`; change those, not this page.',
		'Results go to stdout, progress and messages to stderr. With `--output json` a result is one JSON document, and so is an error, as `{"error": {...}}` on stderr. With `--progress json` every event is one line of JSON on stderr.',
		list(shown.map(verb => `[${verb.name}](#${verb.name.replaceAll(' ', '-')}): ${lower(verb.summary)}`)),
		'## Global flags',
		flagTable(globalFlags),
		'## Settings',
		'A flag comes before an environment variable, that before `sealimage/config.yaml` in `$XDG_CONFIG_HOME` or `~/.config`, that before the default. `sealimage config` prints each value and where it comes from.',
		table(
			['setting', 'environment', 'meaning'],
			Object.entries(settingHelp).map(([name, help]) => [code(name), code(`SEALIMAGE_${name.toUpperCase()}`), help]),
		),
		'Further: `SOURCE_DATE_EPOCH` is the default of `build --timestamp`, `NO_COLOR` turns colours off, `SEALIMAGE_DEBUG=1` prints the stacks of errors. Secrets for logins to hosts may come from the environment, too: see [hosts.md](hosts.md#logging-in).',
		'## Exit codes',
		table(
			['code', 'meaning'],
			Object.values(exitCodes).map(({code: number, meaning}) => [String(number), meaning]),
		),
		...sections,
	].join('\n\n')}\n`;
}

/** `docs/errors.md`: every error code with its sentence. */
export function errorsPage(): string {
	return `${[
		'# Error codes',
		'Printed from `lib/core/codes.ts` by `npm run docs`. Codes are stable: they may be added, never reused.',
		table(
			['code', 'meaning'],
			Object.entries(errorCodes).map(([name, meaning]) => [code(name), meaning]),
		),
	].join('\n\n')}\n`;
}

/** `docs/preflight.md`: what `sealimage preflight` may find, by id. */
export function preflightPage(): string {
	return `${[
		'# What preflight finds',
		'Printed from `lib/runtime/preflight/` by `npm run docs`. Ids are stable: `sealimage preflight --ignore ID` accepts what is known. A finding whose case is mild or grave may come as a warning in place of an error, or the reverse.',
		table(
			['id', 'severity', 'why it matters', 'what to do'],
			preflightTopics.map(({id, severity, why, mend}) => [code(id), severity, why, mend]),
		),
	].join('\n\n')}\n`;
}

function commandSection(verb: Verb, command: Command): string {
	return [
		`## ${verb.name}`,
		`${verb.summary}.`,
		fenced(usageLine(verb, command)),
		...(verb.aliases === undefined ? [] : [`Also: ${verb.aliases.map(code).join(', ')}.`]),
		...(command.description === undefined ? [] : [escapeMark(command.description)]),
		...(command.operands.length === 0
			? []
			: [list(command.operands.map(({name, help}) => `${code(name)}: ${escapeMark(help)}`))]),
		...(Object.values(command.flags).every(flag => flag.hidden === true) ? [] : [flagTable(command.flags)]),
		...(command.examples.length === 0
			? []
			: [fenced(command.examples.map(({about, line}) => `# ${about}\n${line}`).join('\n\n'))]),
	].join('\n\n');
}

function flagTable(flags: Flags): string {
	return table(
		['flag', 'meaning'],
		Object.entries(flags)
			.filter(([, flag]) => flag.hidden !== true)
			.map(([name, flag]) => [code(flagUsage(name, flag).trim()), escapeMark(flagText(flag))]),
	);
}

function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
	const line = (cells: readonly string[]): string =>
		`| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
	return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');
}

function list(items: readonly string[]): string {
	return items.map(item => `- ${item}`).join('\n');
}

function fenced(text: string): string {
	return `\`\`\`\n${text}\n\`\`\``;
}

function code(text: string): string {
	return `\`${text}\``;
}

function escapeMark(text: string): string {
	return text.replace(/[<>*\\]/g, '\\$&');
}

function lower(text: string): string {
	return text.charAt(0).toLowerCase() + text.slice(1);
}
