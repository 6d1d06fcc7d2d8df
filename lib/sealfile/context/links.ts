import {SealError} from '../../core/errors.js';
import type {EntryHeader} from '../../oci/entry.js';

/** Deep enough for every real tree; Linux itself stops after 40. */
const limitLinks = 255;

/**
 * Where `path` leads inside a root when symbolic links are followed: `..` and absolute targets stay inside. What does
 * not exist stays as written, so that a dangling link gives the path that would be made. Relative, without slashes at
 * the ends; '' is the root.
 * @param linkAt the text of the link at exactly this path, undefined for anything else
 * @throws SealError ERR_SYMLINK_LOOP
 */
export function followLinks(
	path: string,
	linkAt: (path: string) => string | undefined,
	options: {readonly followLast?: boolean} = {},
): string {
	const pending = components(path).reverse();
	const reached: string[] = [];
	let links = 0;
	while (pending.length > 0) {
		const name = pending.pop()!;
		if (name === '..') {
			reached.pop();
			continue;
		}
		reached.push(name);
		if (pending.length === 0 && options.followLast === false) break;
		const target = linkAt(reached.join('/'));
		if (target === undefined) continue;
		if (++links > limitLinks) {
			throw new SealError(
				'ERR_SYMLINK_LOOP',
				`${JSON.stringify(path)} leads through more than ${limitLinks} symbolic links`,
				{
					hint: 'Break the loop of links.',
					details: {path},
				},
			);
		}
		if (target.startsWith('/')) reached.length = 0;
		else reached.pop();
		pending.push(...components(target).reverse());
	}
	return reached.join('/');
}

/** The text of a symbolic link, undefined for everything else. */
export function linkText(header: EntryHeader | undefined): string | undefined {
	return header?.type === 'symlink' ? header.linkname : undefined;
}

function components(path: string): string[] {
	return path.split('/').filter(name => name !== '' && name !== '.');
}
