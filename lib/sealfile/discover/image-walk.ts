import type {YamlEntry, YamlNode} from '../../core/yaml.js';
import {type ImageField, nodesAt} from './image-fields.js';

/** A text that stands where an image reference belongs. */
export interface ImageMention {
	readonly text: string;
	/** Unknown (undefined) in values that were merged from several files. */
	readonly line: number | undefined;
	/** The object around it: `Deployment/web`. */
	readonly detail?: string | undefined;
	/** `certain` fields hold nothing but images; `likely` ones (flags, variables) count only when they look like one. */
	readonly sure: 'certain' | 'likely';
}

export interface WalkOptions {
	readonly fields?: readonly ImageField[];
	/** The tag of split references that have none (a chart's appVersion). */
	readonly defaultTag?: string | undefined;
	/** For texts inside the text, such as the pod template in a ConfigMap. */
	readonly nested?: (text: string, line: number, detail: string | undefined) => void;
}

/** Depth of nesting that is followed; the parser's own limit is the same. */
const maxDepth = 100;

/**
 * Finds image references in a document wherever Kubernetes objects keep them: every `image` key with a text (containers of
 * all kinds, pod templates inside other objects, lists), image volumes, the split form of repository and tag, the given
 * extra fields, and, as `likely`, flags and variables with "image" in their name. Each node is visited once, however
 * many aliases point at it.
 */
export function walkImages(document: YamlNode, options: WalkOptions, report: (mention: ImageMention) => void): void {
	const seen = new Set<YamlNode>();
	const visit = (node: YamlNode, detail: string | undefined, depth: number): void => {
		if (depth > maxDepth || node.kind === 'scalar' || seen.has(node)) return;
		seen.add(node);
		if (node.kind === 'sequence') {
			for (const item of node.items) visit(item, detail, depth + 1);
			return;
		}
		const kind = textOf(node, 'kind');
		const own = kind !== undefined && has(node, 'apiVersion') ? nameOf(node, kind) : detail;
		if (kind !== undefined) {
			for (const field of nodesAt(node, kind, options.fields ?? []))
				for (const mention of fieldMentions(field, options)) report({...mention, detail: own});
			if (kind === 'ConfigMap' || kind === 'Secret') visitTexts(node, own, options);
		}
		for (const mention of mappingMentions(node, options)) report({...mention, detail: own});
		for (const {value} of node.entries) visit(value, own, depth + 1);
	};
	visit(document, undefined, 0);
}

type Mapping = Extract<YamlNode, {kind: 'mapping'}>;
type Mention = Omit<ImageMention, 'detail'>;

function mappingMentions(node: Mapping, options: WalkOptions): Mention[] {
	const mentions: Mention[] = [];
	for (const {key, value} of node.entries) {
		if (key.kind !== 'scalar') continue;
		if (key.value === 'image') mentions.push(...imageValue(node, value, options));
		else if ((key.value === 'args' || key.value === 'command') && value.kind === 'sequence')
			mentions.push(...value.items.flatMap(flagMention));
	}
	const split = splitForm(node, options.defaultTag);
	if (split !== undefined && isWholeSplit(node)) mentions.push(split);
	const replaced = kustomizeForm(node);
	if (replaced !== undefined) mentions.push(replaced);
	const variable = textOf(node, 'name');
	const value = entryOf(node, 'value')?.value;
	if (variable !== undefined && value?.kind === 'scalar' && /(?:^|_)IMAGE(?:_|$)/.test(variable))
		mentions.push({text: value.value, line: value.line, sure: 'likely'});
	return mentions;
}

/** The value of an `image` key: a reference, an image volume, or the split form. */
function imageValue(parent: Mapping, value: YamlNode, options: WalkOptions): Mention[] {
	if (value.kind === 'scalar') {
		if (value.value.trim() === '') return [];
		const tag = textOf(parent, 'tag') ?? textOf(parent, 'imageTag');
		const tagged = tag === undefined || tag === '' || hasTag(value.value) ? value.value : `${value.value}:${tag}`;
		return [{text: tagged.trim(), line: value.line, sure: 'certain'}];
	}
	if (value.kind !== 'mapping') return [];
	const reference = entryOf(value, 'reference')?.value;
	if (reference?.kind === 'scalar') return [{text: reference.value, line: reference.line, sure: 'certain'}];
	// With a tag or digest beside it, the walk finds the split form by itself.
	const split = isWholeSplit(value) ? undefined : splitForm(value, options.defaultTag);
	return split === undefined ? [] : [split];
}

function fieldMentions(node: YamlNode, options: WalkOptions): Mention[] {
	if (node.kind === 'scalar') return node.value === '' ? [] : [{text: node.value, line: node.line, sure: 'certain'}];
	const split = node.kind === 'mapping' ? splitForm(node, options.defaultTag) : undefined;
	return split === undefined ? [] : [split];
}

function isWholeSplit(node: Mapping): boolean {
	return has(node, 'repository') && (has(node, 'tag') || has(node, 'digest') || has(node, 'registry'));
}

/** `{registry, repository, tag, digest}` as one reference. Addresses (`https://...`) are repositories of another sort. */
function splitForm(node: Mapping, defaultTag: string | undefined): Mention | undefined {
	const repository = entryOf(node, 'repository')?.value;
	if (repository?.kind !== 'scalar' || repository.value === '' || repository.value.includes('://')) return undefined;
	const registry = textOf(node, 'registry');
	const digest = textOf(node, 'digest') ?? textOf(node, 'sha');
	const tag = textOf(node, 'tag') || (digest ? undefined : defaultTag);
	const name = registry ? `${registry.replace(/\/+$/, '')}/${repository.value}` : repository.value;
	const withTag = tag && !hasTag(name) ? `${name}:${tag}` : name;
	const pinned = digest ? `${withTag}@${digest.includes(':') ? digest : `sha256:${digest}`}` : withTag;
	return {text: pinned, line: repository.line, sure: 'certain'};
}

/** An entry of `images` in a kustomization: what `name` becomes when the manifests are applied. */
function kustomizeForm(node: Mapping): Mention | undefined {
	const [name, newName] = [entryOf(node, 'name')?.value, textOf(node, 'newName')];
	const tag = textOf(node, 'newTag');
	const digest = newName === undefined ? undefined : textOf(node, 'digest');
	if (name?.kind !== 'scalar' || (tag === undefined && digest === undefined)) return undefined;
	const text = `${newName ?? name.value}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
	return {text, line: name.line, sure: 'certain'};
}

/** Longer arguments are programs. */
const maxFlagLength = 2048;

/** `--prometheus-config-reloader-image=quay.io/...`: operators get the images that they start this way. */
function flagMention(item: YamlNode): Mention[] {
	const flag =
		item.kind === 'scalar' && item.value.length <= maxFlagLength
			? /^--?[\w.-]*image[\w.-]*=(\S+)$/i.exec(item.value)
			: null;
	return flag === null ? [] : [{text: flag[1] as string, line: item.line, sure: 'likely'}];
}

function visitTexts(node: Mapping, detail: string | undefined, options: WalkOptions): void {
	for (const field of ['data', 'stringData']) {
		const data = entryOf(node, field)?.value;
		if (data?.kind !== 'mapping') continue;
		for (const {value} of data.entries)
			if (value.kind === 'scalar' && /^[ \t]*(?:-[ \t]+)?["']?image["']?[ \t]*:[ \t]*\S/m.test(value.value))
				options.nested?.(value.value, value.line, detail);
	}
}

function nameOf(node: Mapping, kind: string): string {
	const metadata = entryOf(node, 'metadata')?.value;
	const name =
		metadata?.kind === 'mapping' ? (textOf(metadata, 'name') ?? textOf(metadata, 'generateName')) : undefined;
	return name === undefined || name === '' ? kind : `${kind}/${name}`;
}

function entryOf(node: Mapping, key: string): YamlEntry | undefined {
	return node.entries.findLast(entry => entry.key.kind === 'scalar' && entry.key.value === key);
}

function has(node: Mapping, key: string): boolean {
	return entryOf(node, key) !== undefined;
}

function textOf(node: Mapping, key: string): string | undefined {
	const value = entryOf(node, key)?.value;
	return value?.kind === 'scalar' && (value.quoted || !/^(?:null|~|)$/i.test(value.value)) ? value.value : undefined;
}

function hasTag(name: string): boolean {
	return name.includes('@') || name.includes(':', name.lastIndexOf('/') + 1);
}
