import {dump, EVENT_ID, getScalarValue, loadAll, parseEvents, SCALAR_STYLE, YAMLException} from 'js-yaml';
import {SealError} from './errors.js';

/**
 * The documents of a YAML text, empty ones left out. This file is the only one that knows js-yaml.
 * @throws SealError ERR_YAML with `details.line` (1-based) when the text is no YAML.
 */
export function parseYaml(text: string, name = 'document'): unknown[] {
	try {
		return (loadAll(text) as unknown[]).filter(document => document !== null && document !== undefined);
	} catch (error) {
		throw invalid(error, name);
	}
}

/** Values as the documents of a YAML text. Keys keep their order; nothing is folded, and texts that other parsers could read as something else are quoted. */
export function printYaml(documents: readonly unknown[]): string {
	return documents.map(document => dump(document, {lineWidth: -1, noRefs: true})).join('---\n');
}

/** A YAML text as it was written. Lines count from 1. */
export type YamlNode =
	| {readonly kind: 'scalar'; readonly line: number; readonly value: string; readonly quoted: boolean}
	| {readonly kind: 'sequence'; readonly line: number; readonly items: readonly YamlNode[]}
	| {readonly kind: 'mapping'; readonly line: number; readonly entries: readonly YamlEntry[]};

export interface YamlEntry {
	readonly key: YamlNode;
	readonly value: YamlNode;
}

/**
 * The documents of a YAML text as nodes with their lines; repeated keys are all kept. An alias is the very node that it
 * names, so a "bomb" of aliases takes no more memory than its text: a walk must remember which nodes it has seen, since
 * the result can hold cycles.
 * @throws SealError ERR_YAML with `details.line`
 */
export function parseYamlNodes(text: string, name = 'document'): YamlNode[] {
	try {
		return buildNodes(text);
	} catch (error) {
		throw invalid(error, name);
	}
}

/** A value as a node, line 1 throughout. Objects that occur several times become one node, so shared and cyclic values are fine. */
export function yamlNodeOf(value: unknown): YamlNode {
	const known = new Map<object, YamlNode>();
	const convert = (item: unknown): YamlNode => {
		if (typeof item !== 'object' || item === null)
			return {
				kind: 'scalar',
				line: 1,
				value: item === null || item === undefined ? '' : String(item),
				quoted: typeof item === 'string',
			};
		const before = known.get(item);
		if (before !== undefined) return before;
		if (Array.isArray(item)) {
			const items: YamlNode[] = [];
			known.set(item, {kind: 'sequence', line: 1, items});
			for (const part of item as unknown[]) items.push(convert(part));
		} else {
			const entries: YamlEntry[] = [];
			known.set(item, {kind: 'mapping', line: 1, entries});
			for (const [key, part] of Object.entries(item)) entries.push({key: convert(key), value: convert(part)});
		}
		return known.get(item) as YamlNode;
	};
	return convert(value);
}

type Open = {readonly node: YamlNode; readonly items: YamlNode[]; readonly entries: YamlEntry[]; key?: YamlNode};

function buildNodes(text: string): YamlNode[] {
	const documents: YamlNode[] = [];
	const stack: Open[] = [];
	const lineAt = lineCounter(text);
	let anchors = new Map<string, YamlNode>();
	let line = 1;
	const add = (node: YamlNode): void => {
		const parent = stack.at(-1);
		if (parent === undefined) documents.push(node);
		else if (parent.node.kind === 'sequence') parent.items.push(node);
		else if (parent.key === undefined) parent.key = node;
		else {
			parent.entries.push({key: parent.key, value: node});
			delete parent.key;
		}
	};
	for (const event of parseEvents(text, {})) {
		if (event.type === EVENT_ID.DOCUMENT) {
			anchors = new Map();
			stack.length = 0;
		} else if (event.type === EVENT_ID.POP) stack.pop();
		else if (event.type === EVENT_ID.ALIAS) {
			line = lineAt(event.anchorStart);
			const target = anchors.get(text.slice(event.anchorStart, event.anchorEnd));
			add(target ?? {kind: 'scalar', line, value: '', quoted: false});
		} else {
			const start = event.type === EVENT_ID.SCALAR ? event.valueStart : event.start;
			if (start >= 0) line = lineAt(start);
			const items: YamlNode[] = [];
			const entries: YamlEntry[] = [];
			const node: YamlNode =
				event.type === EVENT_ID.SCALAR
					? {
							kind: 'scalar',
							line,
							value: getScalarValue(text, event),
							quoted: event.style !== SCALAR_STYLE.PLAIN,
						}
					: event.type === EVENT_ID.SEQUENCE
						? {kind: 'sequence', line, items}
						: {kind: 'mapping', line, entries};
			if (event.anchorStart >= 0) anchors.set(text.slice(event.anchorStart, event.anchorEnd), node);
			add(node);
			if (event.type !== EVENT_ID.SCALAR) stack.push({node, items, entries});
		}
	}
	return documents;
}

/** Offsets must not decrease by much: lines are counted on from the last one asked for. */
function lineCounter(text: string): (offset: number) => number {
	let position = 0;
	let line = 1;
	return offset => {
		if (offset < position) {
			position = 0;
			line = 1;
		}
		for (let next = text.indexOf('\n', position); next !== -1 && next < offset; next = text.indexOf('\n', position)) {
			position = next + 1;
			line++;
		}
		return line;
	};
}

function invalid(error: unknown, name: string): SealError {
	const mark = error instanceof YAMLException ? (error as {mark?: {line?: number}}).mark : undefined;
	const line = mark?.line === undefined ? undefined : mark.line + 1;
	return new SealError(
		'ERR_YAML',
		`${name}${line === undefined ? '' : `:${line}`} is not valid YAML: ${reasonOf(error)}`,
		{
			details: {name, ...(line === undefined ? {} : {line})},
			cause: error,
		},
	);
}

function reasonOf(error: unknown): string {
	const reason = (error as {reason?: unknown}).reason;
	return typeof reason === 'string' ? reason : (error as Error).message;
}
