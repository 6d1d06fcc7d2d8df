import {isSealError, SealError} from '../../core/errors.js';
import {normalizeReference} from '../../oci/reference.js';
import type {Collector} from './collect.js';
import type {FoundArchive} from './types.js';

export const shimFolder = 'images/shim';
export const skopeoList = 'images/skopeo/tar.txt';

/** A line that should be a reference and is none. */
export interface ListProblem {
	readonly path: string;
	readonly line: number;
	readonly text: string;
	readonly reason: string;
}

/** A file of `images/shim`: one reference per line; empty lines and what follows `#` do not count. */
export function readShimList(path: string, text: string, collector: Collector): ListProblem[] {
	const problems: ListProblem[] = [];
	for (const {content, line} of linesOf(text)) {
		if (!collector.add(content, {path, line}))
			problems.push({path, line, text: content, reason: 'it is not an image reference'});
	}
	return problems;
}

/**
 * `images/skopeo/tar.txt`: `docker-archive:file.tar@repository/name:tag` or `oci-archive:...`. The file is looked for
 * beside the list, then from the root of the image.
 */
export function readSkopeoList(
	text: string,
	exists: (path: string) => boolean,
	collector: Collector,
): {readonly archives: readonly FoundArchive[]; readonly problems: readonly ListProblem[]} {
	const archives: FoundArchive[] = [];
	const problems: ListProblem[] = [];
	for (const {content, line} of linesOf(text)) {
		const fail = (reason: string): unknown => problems.push({path: skopeoList, line, text: content, reason});
		const [, transport, file, reference] = /^(docker-archive|oci-archive):([^@]+)@(.+)$/.exec(content) ?? [];
		if (transport === undefined || file === undefined || reference === undefined) {
			fail('expected docker-archive:FILE@REFERENCE or oci-archive:FILE@REFERENCE');
			continue;
		}
		const path = [joinPath('images/skopeo', file), joinPath('', file)].find(
			candidate => candidate !== undefined && exists(candidate),
		);
		const name = nameOf(reference);
		if (path === undefined) fail(`no file ${file} is in images/skopeo or at the root of the image`);
		else if (name === undefined) fail(`${reference} is not an image reference`);
		else {
			const place = {path: skopeoList, line, detail: path};
			collector.add(reference, place);
			archives.push({transport: transport as FoundArchive['transport'], path, name, foundIn: place});
		}
	}
	return {archives, problems};
}

/** @throws SealError ERR_IMAGE_LIST when there are problems: what is listed by hand is wanted */
export function refuseProblems(problems: readonly ListProblem[]): void {
	const [first] = problems;
	if (first === undefined) return;
	const shown = problems
		.slice(0, 10)
		.map(({path, line, text, reason}) => `${path}:${line}: ${text.slice(0, 120)}: ${reason}`);
	const more = problems.length > shown.length ? `\nand ${problems.length - shown.length} more` : '';
	throw new SealError(
		'ERR_IMAGE_LIST',
		`${problems.length === 1 ? 'A line of an image list is' : `${problems.length} lines of image lists are`} wrong: ${shown.join('\n')}${more}`,
		{hint: 'Write one [registry/]repository[:tag][@sha256:digest] per line.', details: {problems}},
	);
}

function* linesOf(text: string): Generator<{content: string; line: number}> {
	for (const [index, raw] of text
		.replace(/^\uFEFF/, '')
		.split('\n')
		.entries()) {
		const content = raw.replace(/(?:^|\s)#.*$/, '').trim();
		if (content !== '') yield {content, line: index + 1};
	}
}

/** `a/b/../c` resolved; undefined when it leaves the image. */
function joinPath(folder: string, file: string): string | undefined {
	const parts: string[] = [];
	for (const part of `${file.startsWith('/') ? '' : folder}/${file}`.split('/')) {
		if (part === '' || part === '.') continue;
		if (part !== '..') parts.push(part);
		else if (parts.pop() === undefined) return undefined;
	}
	return parts.join('/');
}

function nameOf(reference: string): string | undefined {
	try {
		return normalizeReference(reference);
	} catch (error) {
		if (isSealError(error)) return undefined;
		throw error;
	}
}
