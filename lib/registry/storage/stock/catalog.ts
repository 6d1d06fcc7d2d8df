import type {Dirent} from 'node:fs';
import {join} from 'node:path';
import type {Page} from '../storage.js';
import {foldersIn} from './folders-in.js';

/** One part of a repository's name (distribution-spec, "Pulling manifests"). */
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
/** The stock server's longest name. */
const maxNameLength = 255;

/** Folders that are read before it is known that they are needed. */
const readAhead = 8;

/** True for a name that a repository may have; false for all that could lead out of its folder. */
export function isRepositoryName(name: string): boolean {
	return name.length <= maxNameLength && name.split('/').every(part => component.test(part));
}

/**
 * Names of repositories below `folder` in byte order. Only the folders between `after` and the last name of the page are
 * read. The stock server 2.8 takes a folder with `_layers` for a repository, 3 one with `_manifests`: both count.
 */
export async function listRepositories(folder: string, page: Page): Promise<readonly string[]> {
	const {after = '', limit = Number.POSITIVE_INFINITY, signal} = page;
	const names: string[] = [];
	const walk = async (prefix: string, entries: readonly Dirent[]): Promise<void> => {
		const isWanted = ({name: last, deeper}: Step): boolean => {
			const name = `${prefix}${last}`;
			if (name.length > maxNameLength) return false;
			return deeper ? `${name}/` > after || after.startsWith(`${name}/`) : name > after;
		};
		const steps = stepsOf(entries).filter(isWanted);
		for (const [i, step] of steps.entries()) {
			signal?.throwIfAborted();
			if (names.length >= limit) return;
			const name = `${prefix}${step.name}`;
			// The next ones are read meanwhile; one that fails is met again in its turn.
			for (const next of steps.slice(i + 1, i + 1 + readAhead))
				next.children(join(folder, prefix, next.name)).catch(() => undefined);
			const children = await step.children(join(folder, name));
			if (step.deeper) await walk(`${name}/`, children);
			else if (children.some(isMark)) names.push(name);
		}
	};
	if (limit > 0) await walk('', await foldersIn(folder));
	return names;
}

/** A folder is met twice: as a name, and as the prefix `name/` of longer ones, between which `name-x` and `name.x` stand. */
interface Step {
	readonly key: string;
	readonly name: string;
	readonly deeper: boolean;
	children(path: string): Promise<readonly Dirent[]>;
}

function stepsOf(entries: readonly Dirent[]): readonly Step[] {
	const steps = entries.flatMap(({name}): Step[] => {
		if (!component.test(name)) return [];
		let read: Promise<readonly Dirent[]> | undefined;
		const children = (path: string): Promise<readonly Dirent[]> => {
			const result = read ?? foldersIn(path);
			read = result;
			return result;
		};
		return [
			{key: name, name, deeper: false, children},
			{key: `${name}/`, name, deeper: true, children},
		];
	});
	return steps.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

function isMark({name}: Dirent): boolean {
	return name === '_layers' || name === '_manifests';
}
