import {fileKinds, placePrefixes} from '../../lib/registry/place/kinds.js';
import type {Completes, Flag, Flags, Verb} from '../command.js';
import {findVerb} from '../find-verb.js';
import {globalFlags} from '../global-flags.js';
import {inherited} from '../help.js';

export interface CompletionItem {
	readonly text: string;
	/** What it is, for shells that show it; the word `file` or `folder` with an empty text hands over to the shell. */
	readonly about: string;
}

/** What this machine knows by name. */
export type ListNames = (kind: 'image' | 'cluster') => Promise<readonly string[]>;

/** A text that no completion can have tells the shell to complete names of files or folders itself. */
export const fileMark = ':file';
export const folderMark = ':folder';

/**
 * What may come next on a command line: `words` are those after `sealimage`, the unfinished one last. Names of images and
 * clusters come from `list`, which is called only when one is wanted.
 */
export async function complete(
	words: readonly string[],
	verbs: readonly Verb[],
	list: ListNames,
): Promise<CompletionItem[]> {
	const current = words.at(-1) ?? '';
	const before = words.slice(0, -1);
	const {verb, group, rest} = findVerb(before, verbs, globalFlags);
	if (verb === undefined) {
		if (current.startsWith('-')) return matching(flagItems(globalFlags), current);
		return matching(verbItems(verbs, group), current);
	}
	const command = await verb.load();
	const flags: Flags = {...command.flags, ...inherited(command.flags)};
	const pending = flagBefore(rest, flags);
	if (pending !== undefined) return await valueItems(pending, current, '', verbs, list);
	const written = /^(--[^=]+=)(.*)$/s.exec(current);
	if (written !== null) {
		const flag = flags[written[1]!.slice(2, -1)];
		return flag === undefined ? [] : await valueItems(flag, written[2]!, written[1]!, verbs, list);
	}
	if (current.startsWith('-') && !rest.includes('--')) return matching(flagItems(flags), current);
	const operandCount = countOperands(rest, flags);
	const last = command.operands.at(-1);
	const operand = command.operands[operandCount] ?? (last?.variadic === true ? last : undefined);
	// A verb may have others grouped under its name.
	const grouped = operandCount === 0 ? matching(verbItems(verbs, verb.name), current) : [];
	return [...grouped, ...(await itemsFor(operand?.completes ?? 'none', current, '', verbs, list))];
}

function verbItems(verbs: readonly Verb[], group: string | undefined): CompletionItem[] {
	const shown = verbs.filter(verb => verb.hidden !== true);
	if (group !== undefined) {
		return shown
			.filter(verb => verb.name.startsWith(`${group} `))
			.map(verb => ({text: verb.name.slice(group.length + 1), about: verb.summary}));
	}
	const items = new Map<string, string>();
	for (const verb of shown) {
		const [first, second] = verb.name.split(' ');
		const about = second === undefined ? verb.summary : items.has(first!) ? `${items.get(first!)}, ${second}` : second;
		items.set(first!, about);
	}
	return [...items].map(([text, about]) => ({text, about}));
}

function flagItems(flags: Flags): CompletionItem[] {
	return Object.entries(flags)
		.filter(([, flag]) => flag.hidden !== true)
		.flatMap(([name, flag]) => [
			{text: `--${name}`, about: flag.help},
			...(flag.type === 'boolean' && flag.default === true ? [{text: `--no-${name}`, about: `not: ${flag.help}`}] : []),
			...(flag.short === undefined ? [] : [{text: `-${flag.short}`, about: flag.help}]),
		]);
}

/** The flag that waits for its value: `--tag` as the last finished word. */
function flagBefore(rest: readonly string[], flags: Flags): Flag | undefined {
	const last = rest.at(-1);
	if (last === undefined || !last.startsWith('-') || last.includes('=') || rest.slice(0, -1).includes('--'))
		return undefined;
	const flag = last.startsWith('--')
		? flags[last.slice(2)]
		: Object.values(flags).find(item => item.short !== undefined && `-${item.short}` === last);
	if (flag === undefined || flag.type === 'boolean') return undefined;
	return flag.type === 'string' && flag.implied !== undefined ? undefined : flag;
}

function countOperands(rest: readonly string[], flags: Flags): number {
	let count = 0;
	for (let i = 0; i < rest.length; i++) {
		if (!rest[i]!.startsWith('-')) count++;
		else if (flagBefore(rest.slice(0, i + 1), flags) !== undefined) i++;
	}
	return count;
}

async function valueItems(
	flag: Flag,
	current: string,
	prefix: string,
	verbs: readonly Verb[],
	list: ListNames,
): Promise<CompletionItem[]> {
	if ('choices' in flag && flag.choices !== undefined)
		return matching(
			flag.choices.map(choice => ({text: prefix + choice, about: ''})),
			prefix + current,
		);
	return await itemsFor(flag.completes ?? 'none', current, prefix, verbs, list);
}

async function itemsFor(
	kind: Completes,
	current: string,
	prefix: string,
	verbs: readonly Verb[],
	list: ListNames,
): Promise<CompletionItem[]> {
	const items = (texts: readonly string[]): CompletionItem[] =>
		matching(
			texts.map(text => ({text: prefix + text, about: ''})),
			prefix + current,
		);
	switch (kind) {
		case 'file':
			return [{text: fileMark, about: ''}];
		case 'folder':
			return [{text: folderMark, about: ''}];
		case 'image':
			return items(await list('image'));
		case 'cluster':
			return items(await list('cluster'));
		case 'place':
			return isInFile(current) ? [{text: fileMark, about: ''}] : items([...(await list('image')), ...placePrefixes]);
		case 'platform':
			return items(['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'linux/ppc64le', 'linux/s390x', 'linux/riscv64']);
		case 'verb':
			return matching(verbItems(verbs, undefined), current);
		// Names of hosts are many and elsewhere; what is half-written stays as it is.
		case 'host':
		case 'none':
			return [];
	}
}

/** The path of a place in a file or folder is being written. */
function isInFile(current: string): boolean {
	return fileKinds.some(kind => current.startsWith(`${kind}:`));
}

function matching(items: readonly CompletionItem[], current: string): CompletionItem[] {
	return items.filter(item => item.text.startsWith(current));
}
