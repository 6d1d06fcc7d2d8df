import {posix} from 'node:path';
import {setImmediate as breathe} from 'node:timers/promises';
import {closest} from '../../core/closest.js';
import {SealError} from '../../core/errors.js';
import type {FileSource, SourceNode} from '../context/file-source.js';
import {followLinks, linkText} from '../context/links.js';
import {compilePattern, hasWildcard, unescapeLiteral} from '../context/pattern.js';
import {parentOf} from './staging.js';

/** One entry that a source argument stands for. */
export interface Selection {
	/** Never a link: named links are followed, those of wildcards too. */
	readonly node: SourceNode;
	/** The path as it is written or matched, links not followed; '' for the root of the source. */
	readonly path: string;
	/** How much of `path` `--parents` cuts off. */
	readonly pivot: string;
	/** What --exclude sees of the entry itself; '' for a folder that is named, whose contents it is about. */
	readonly excludeName: string;
}

export interface SelectOptions {
	readonly signal?: AbortSignal | undefined;
	/** Literal sources that are missing are an error; wildcards that match nothing are listed in `emptyWildcards`. */
	readonly emptyWildcards: string[];
}

/**
 * The entries that source arguments stand for, in their order, those of a wildcard in the order of `compareNames`.
 * @throws SealError ERR_COPY_SOURCE, ERR_PATTERN
 */
export async function* select(
	sources: readonly string[],
	source: FileSource,
	options: SelectOptions,
): AsyncGenerator<Selection> {
	for (const text of sources) {
		options.signal?.throwIfAborted();
		const {path, pivot} = splitPivot(text);
		if (!hasWildcard(path)) {
			yield {...selectLiteral(unescapeLiteral(path), text, source), pivot: unescapeLiteral(pivot)};
			continue;
		}
		let matched = false;
		for await (const selection of matches(path, text, source, options)) {
			matched = true;
			yield {...selection, pivot: pivotOf(selection.path, path, pivot)};
		}
		if (!matched) options.emptyWildcards.push(text);
	}
}

/** The first `/./` says where the part begins that `--parents` keeps. */
function splitPivot(text: string): {readonly path: string; readonly pivot: string} {
	const trimmed = text.replace(/\/+$/u, '');
	const at = trimmed.indexOf('/./');
	return {path: clean(trimmed), pivot: at === -1 ? '' : clean(trimmed.slice(0, at))};
}

/** Relative to the root of the source, which `..` cannot leave. */
function clean(path: string): string {
	return posix.normalize(`/${path}`).slice(1).replace(/\/$/u, '');
}

/** Which part of a matched path the pattern left of `/./` stands for. */
function pivotOf(path: string, pattern: string, pivot: string): string {
	if (pivot === '') return '';
	const names = path.split('/');
	if (!pivot.includes('**')) return names.slice(0, pivot.split('/').length).join('/');
	const left = compilePattern(pivot);
	const right = compilePattern(pattern.slice(pivot.length + 1));
	const fits = (depth: number): boolean =>
		left.matches(names.slice(0, depth).join('/')) && right.matches(names.slice(depth).join('/'));
	const depth = names.findIndex((_, at) => fits(at));
	return names.slice(0, Math.max(0, depth)).join('/');
}

/**
 * The entry at a cleaned path, links followed. `text` is how it was written.
 * @throws SealError ERR_COPY_SOURCE
 */
export function selectLiteral(path: string, text: string, source: FileSource): Selection {
	const node = follow(path, source);
	if (node === undefined) throw missing(text, path, source);
	const isFolder = node.header.type === 'directory';
	return {node, path, pivot: '', excludeName: isFolder ? '' : baseOf(path)};
}

/** Walks only where the pattern can still match; what is below a match belongs to it. */
async function* matches(
	path: string,
	text: string,
	source: FileSource,
	options: SelectOptions,
): AsyncGenerator<Selection> {
	const names = path.split('/');
	const first = names.findIndex(name => hasWildcard(name));
	const base = unescapeLiteral(names.slice(0, first).join('/'));
	const pattern = compilePattern(names.slice(first).join('/'));
	const baseNode = follow(base, source);
	if (baseNode?.header.type !== 'directory') return;
	const pending: {node: SourceNode; relative: string}[] = [{node: baseNode, relative: ''}];
	let seen = 0;
	while (pending.length > 0) {
		const {node: folder, relative: folderPath} = pending.pop()!;
		const below: typeof pending = [];
		for (const child of source.list(folder.header.path)) {
			if (++seen % 4096 === 0) await breathe(undefined, {signal: options.signal});
			const relative = join(folderPath, baseOf(child.header.path));
			if (pattern.matches(relative)) {
				const written = join(base, relative);
				const node = child.header.type === 'symlink' ? follow(child.header.path, source) : child;
				if (node === undefined) throw missing(text, written, source);
				yield {node, path: written, pivot: '', excludeName: relative};
			} else if (child.header.type === 'directory' && pattern.mayMatchBelow(relative)) {
				below.push({node: child, relative});
			}
		}
		pending.push(...below.reverse());
	}
}

function follow(path: string, source: FileSource): SourceNode | undefined {
	return source.lookup(followLinks(path, at => linkText(source.lookup(at)?.header)));
}

function missing(text: string, path: string, source: FileSource): SealError {
	const hidden = source.excludes(path);
	const near = hidden ? undefined : nearName(path, source);
	return new SealError('ERR_COPY_SOURCE', `${JSON.stringify(text)} is not in ${source.title}`, {
		hint: hidden
			? 'It is excluded by the ignore file: remove the pattern, or bring it back with an exclamation mark.'
			: near === undefined
				? 'Check the spelling, and that the path is relative to the root of the source.'
				: `Did you mean ${JSON.stringify(near)}?`,
		details: {source: text, path, ...(hidden ? {ignored: true} : {})},
	});
}

/** What is there under a name much like the one that is not. */
function nearName(path: string, source: FileSource): string | undefined {
	const folder = parentOf(path);
	const name = closest(
		baseOf(path),
		source.list(folder).map(node => baseOf(node.header.path)),
	);
	return name === undefined ? undefined : join(folder, name);
}

export function join(folder: string, name: string): string {
	if (folder === '') return name;
	return name === '' ? folder : `${folder}/${name}`;
}

/** The last component of a path. */
export function baseOf(path: string): string {
	return path.slice(path.lastIndexOf('/') + 1);
}
