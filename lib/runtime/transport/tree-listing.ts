import type {TreeSource} from './tree-source.js';

/** Files that need not be sent. */
export interface Found {
	/** In the unfinished folder: there size and time are only right once a file is whole. */
	readonly part: ReadonlySet<string>;
	/** In place already. */
	readonly here: ReadonlySet<string>;
}

/**
 * Reads what `list` of tree-script.ts says of the files on the host. `part` is empty when the unfinished folder has anything that the
 * source has not, or has as another kind of thing: that would come with the rest.
 */
export function readListing(source: TreeSource, lines: readonly string[]): Found {
	const names = new Set(source.names);
	const part = new Set<string>();
	const here = new Set<string>();
	let isStale = false;
	for (const line of lines) {
		const [, where, facts, name = ''] = linePattern.exec(line) ?? [];
		const file = source.files.get(name);
		const isSame = file !== undefined && facts === `${file.sizeBytes} ${file.mtime} ${file.mode.toString(8)} `;
		if (where === 'here' && isSame) here.add(name);
		if (where === 'part' && isSame) part.add(name);
		if (where === 'part' && file === undefined && !source.links.has(name)) isStale = true;
		if (where === 'name' && (file !== undefined || !names.has(name || '.'))) isStale = true;
	}
	if (isStale) part.clear();
	for (const name of part) here.delete(name);
	return {part, here};
}

const linePattern = /^(part|here|name) ((?:\d+ -?\d+ [0-7]+ )?)\.(?:$|\/(.*)$)/;
