import {readFile, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {isSealError, SealError} from '../../core/errors.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {normalizeReference, shortReference} from '../../oci/reference.js';
import type {FoundImage} from './types.js';

/** One line of `.sealignore` as far as it is about images. */
export interface IgnoreRule {
	readonly line: number;
	readonly text: string;
	/** False for lines that start with `!`. */
	readonly exclude: boolean;
	matches(image: FoundImage): boolean;
}

/**
 * Reads the image rules of a `.sealignore`: exact references, or globs in which `*` stays between slashes and `**` does not;
 * `!` takes an image back in, the last line that fits decides. The same file can hold path patterns for the build context,
 * so a glob is about images only when it has a tag, a digest or a registry: `*.md` and `*` never exclude an image.
 */
export function parseSealignore(text: string): readonly IgnoreRule[] {
	const rules: IgnoreRule[] = [];
	for (const [index, raw] of text
		.replace(/^\uFEFF/, '')
		.split('\n')
		.entries()) {
		const line = raw.trim();
		if (line === '' || line.startsWith('#')) continue;
		const exclude = !line.startsWith('!');
		const pattern = exclude ? line : line.slice(1).trim();
		const matches = /[*?]/.test(pattern) ? globMatcher(pattern) : exactMatcher(pattern);
		if (matches !== undefined) rules.push({line: index + 1, text: line, exclude, matches});
	}
	return rules;
}

/** Above this a list of images was not written by anybody. */
const maxFileBytes = 1024 * 1024;

/**
 * The text of the `.sealignore` of a build context, empty when there is none. Its images count whether or not the
 * Sealfile copies it into the image.
 * @throws SealError ERR_IO, ERR_PERMISSION, ERR_CONTEXT when it is no file of sensible size
 */
export async function readSealignore(contextDir: string): Promise<string> {
	const path = join(contextDir, '.sealignore');
	const read = async (): Promise<string> => {
		const stats = await stat(path);
		if (stats.isFile() && stats.size <= maxFileBytes) return await readFile(path, 'utf8');
		throw new SealError('ERR_CONTEXT', `${path} is no file of at most ${maxFileBytes} bytes`);
	};
	return (await withIo('read', path, () => ifExists(read))) ?? '';
}

function exactMatcher(pattern: string): IgnoreRule['matches'] | undefined {
	try {
		const name = normalizeReference(pattern);
		return image => image.name === name || image.reference === pattern;
	} catch (error) {
		if (isSealError(error)) return undefined;
		throw error;
	}
}

function globMatcher(pattern: string): IgnoreRule['matches'] | undefined {
	const isAboutImages = /[:@]/.test(pattern) || /^[^/]*\.[^/]*\//.test(pattern);
	// More stars than anybody writes would make the expression slow.
	if (!isAboutImages || pattern.length > 512 || (pattern.match(/\*+/g)?.length ?? 0) > 8) return undefined;
	const expression = globExpression(pattern);
	return image => [image.name, shortReference(image.name), image.reference].some(name => expression.test(name));
}

function globExpression(pattern: string): RegExp {
	const source = pattern.replace(/\*+|\?|[^*?]+/g, part => {
		if (part === '?') return '[^/]';
		if (part.startsWith('*')) return part.length > 1 ? '.*' : '[^/]*';
		return part.replace(/[.\\+^${}()|[\]]/g, '\\$&');
	});
	return new RegExp(`^${source}$`);
}
