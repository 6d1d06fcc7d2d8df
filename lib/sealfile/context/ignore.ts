import {readFileSync, statSync} from 'node:fs';
import {basename, join} from 'node:path';
import {SealError, systemCode} from '../../core/errors.js';
import {decodeName} from '../../core/name.js';
import {compileExclusions} from './exclusions.js';

/** The rules of one or more ignore files, in the order they apply. */
export interface IgnoreRules {
	readonly patterns: readonly string[];
	/** The files they come from, for messages. */
	readonly files: readonly string[];
}

/**
 * Finds and reads the ignore file of a build: `<Sealfile>.dockerignore` alone when there is one, else the first of
 * `.containerignore` and `.dockerignore`, followed by the patterns of `.sealignore`. That last file names images which
 * are not to be embedded as well: to a context they are patterns that match nothing.
 * @throws SealError ERR_PATTERN with the line; ERR_CONTEXT, ERR_PERMISSION when one is there and cannot be read
 */
export function findIgnoreRules(contextDir: string, sealfilePath?: string): IgnoreRules {
	const own = sealfilePath === undefined ? undefined : readIgnoreFile(`${sealfilePath}.dockerignore`);
	if (own !== undefined) return own;
	const general =
		readIgnoreFile(join(contextDir, '.containerignore')) ?? readIgnoreFile(join(contextDir, '.dockerignore'));
	const found = [general, readIgnoreFile(join(contextDir, '.sealignore'))].filter(rules => rules !== undefined);
	return {patterns: found.flatMap(rules => rules.patterns), files: found.flatMap(rules => rules.files)};
}

/**
 * The patterns of one ignore file, or undefined when there is no such file.
 * @throws SealError as `findIgnoreRules`
 */
export function readIgnoreFile(path: string): IgnoreRules | undefined {
	let bytes: Buffer;
	try {
		const stats = statSync(path);
		if (!stats.isFile() || stats.size > limitBytes) {
			throw new SealError(
				'ERR_CONTEXT',
				`The ignore file ${JSON.stringify(path)} is no file of at most ${limitBytes} bytes`,
				{
					details: {path},
				},
			);
		}
		bytes = readFileSync(path);
	} catch (error) {
		if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
		if (systemCode(error) !== 'EACCES') throw error;
		throw new SealError('ERR_PERMISSION', `Cannot read the ignore file ${JSON.stringify(path)}`, {
			details: {path},
			cause: error,
		});
	}
	return {patterns: parseIgnoreFile(bytes, basename(path)), files: [path]};
}

/**
 * The patterns of the text of an ignore file, one per line; `#` in the first column makes a comment.
 * @throws SealError ERR_PATTERN with `details.file` and `details.line`
 */
export function parseIgnoreFile(bytes: Uint8Array, file: string): readonly string[] {
	const text = decodeName(bytes).replace(/^\ufeff/u, '');
	const patterns: string[] = [];
	for (const [index, line] of text.split('\n').entries()) {
		if (line.startsWith('#')) continue;
		const pattern = line.trim();
		if (pattern === '') continue;
		try {
			compileExclusions([pattern]);
		} catch (error) {
			if (!(error instanceof SealError)) throw error;
			throw new SealError(error.code, `${file}:${index + 1}: ${error.message}`, {
				hint: error.hint,
				details: {file, line: index + 1, pattern},
			});
		}
		patterns.push(pattern);
	}
	return patterns;
}

/** Far above any ignore file; keeps a wrong name (a disk image) from being read. */
const limitBytes = 4 * 1024 * 1024;
