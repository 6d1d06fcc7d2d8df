import {SealError} from '../../core/errors.js';

/** Longer than any path a kernel takes (4096), shorter than what would fill memory. */
const limitChars = 16 * 1024;

/**
 * The path of an entry in the form of `EntryHeader.path`: leading `/` and `./` gone, `.` and empty components too, `..`
 * taken back lexically.
 * @throws SealError ERR_UNSAFE_PATH when it leaves the root, ERR_TAR_LIMIT when it is absurdly long
 */
export function normalizePath(name: string): string {
	const plain = trimmed(name);
	if (!needsWork.test(plain)) return plain;
	const parts = components(plain);
	if (parts === undefined)
		throw new SealError(
			'ERR_UNSAFE_PATH',
			`The archive has the path ${JSON.stringify(name.slice(0, 200))}, which leaves its root`,
		);
	return parts.join('/');
}

/**
 * The same for the target of a hard link, which is scoped to the root instead: `..` does not leave it (as umoci
 * does).
 */
export function normalizeLink(name: string): string {
	const plain = trimmed(name);
	return needsWork.test(plain) ? (components(plain, true) as string[]).join('/') : plain;
}

const needsWork = /^\/|\/\/|(?:^|\/)\.{1,2}(?:\/|$)/;

function trimmed(name: string): string {
	if (name.length > limitChars)
		throw new SealError('ERR_TAR_LIMIT', `The archive has a path of ${name.length} characters`);
	const start = name.startsWith('./') ? 2 : name.startsWith('/') ? 1 : 0;
	let end = name.length;
	while (end > start && name.charCodeAt(end - 1) === 0x2f) end--;
	return name === '.' ? '' : name.slice(start, end);
}

function components(path: string, clamp = false): string[] | undefined {
	const parts: string[] = [];
	for (const part of path.split('/')) {
		if (part === '' || part === '.') continue;
		if (part !== '..') parts.push(part);
		else if (parts.pop() === undefined && !clamp) return undefined;
	}
	return parts;
}
