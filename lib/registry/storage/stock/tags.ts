import {lstat, readdir} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import type {Abortable} from '../../../core/events.js';
import {withIo} from '../../../core/io-error.js';
import {mapBounded} from '../../../core/pool.js';
import type {Digest} from '../../../oci/digest.js';
import type {Page} from '../storage.js';
import {isAbsent} from './files.js';
import type {StockFolder} from './folder.js';
import type {Links} from './links.js';
import {createLru} from './lru.js';
import {repositoryFolder, tagIndexLink, tagLink, tagsFolder} from './paths.js';
import type {Writer} from './writer.js';

/** distribution-spec, "Pulling manifests". */
const tagPattern = /^\w[\w.-]{0,127}$/;

export function isTag(tag: string): boolean {
	return tagPattern.test(tag);
}

/** The tags of repositories: each a folder with a link that moves, and links to all it ever pointed at. */
export interface Tags {
	list(repository: string, page: Page): Promise<readonly string[] | undefined>;
	read(repository: string, tag: string): Promise<Digest | undefined>;
	move(repository: string, tag: string, digest: Digest): Promise<void>;
	remove(repository: string, tag: string): Promise<boolean>;
	/** The tags that point at a manifest. */
	pointingAt(repository: string, digest: Digest): Promise<readonly string[]>;
}

export function createTags(folder: StockFolder, links: Links, writer: Writer): Tags {
	const pathOf = (repository: string, tag: string): string => join(folder.base, tagLink(repository, tag));
	const listed = createLru<string, Listed>(200_000, ({tags}) => tags.length + 1);

	/** A tag that is being written has no current link yet. */
	const confirmed = async (repository: string, names: readonly string[], {signal}: Abortable): Promise<string[]> => {
		const found = await mapBounded(names, 16, tag => isFile(pathOf(repository, tag)), {signal});
		return names.filter((_, i) => found[i]);
	};
	/** All tags, remembered for as long as no folder of a tag comes or goes. Undefined when there is no folder of tags. */
	const listAll = async (repository: string, options: Abortable): Promise<readonly string[] | undefined> => {
		const path = join(folder.base, tagsFolder(repository));
		const state = await stateOf(path);
		const before = listed.get(repository);
		if (before !== undefined && before.state === state?.text) return before.tags;
		const names = await namesIn(path);
		if (names === undefined) return undefined;
		const wanted = names.filter(isTag).toSorted();
		const tags = await confirmed(repository, wanted, options);
		// A change in the same tick as the last one would not show in the time.
		if (state?.isSettled === true && tags.length === wanted.length) listed.set(repository, {state: state.text, tags});
		return tags;
	};
	const list = async (repository: string, page: Page): Promise<readonly string[] | undefined> => {
		const {after = '', limit = Number.POSITIVE_INFINITY} = page;
		if (limit > fewTags) {
			const all = await listAll(repository, page);
			if (all === undefined) return (await isRepository(folder, repository)) ? [] : undefined;
			return all.filter(tag => tag > after).slice(0, limit);
		}
		const names = await namesIn(join(folder.base, tagsFolder(repository)));
		if (names === undefined) return (await isRepository(folder, repository)) ? [] : undefined;
		const wanted = names.filter(name => isTag(name) && name > after).toSorted();
		const tags: string[] = [];
		for (let at = 0; at < wanted.length && tags.length < limit; ) {
			const some = wanted.slice(at, at + limit - tags.length);
			at += some.length;
			tags.push(...(await confirmed(repository, some, page)));
		}
		return tags;
	};
	const read = (repository: string, tag: string): Promise<Digest | undefined> =>
		links.read(pathOf(repository, tag), 'moving');
	return {
		list,
		read,
		async move(repository, tag, digest) {
			const index = join(folder.base, tagIndexLink(repository, tag, digest));
			if (!(await isFile(index))) await writer.write(index, digest);
			await writer.write(pathOf(repository, tag), digest);
			links.forget(pathOf(repository, tag));
		},
		async remove(repository, tag) {
			const existed = await isFile(pathOf(repository, tag));
			await writer.remove(dirname(dirname(pathOf(repository, tag))));
			links.forget(pathOf(repository, tag));
			return existed;
		},
		async pointingAt(repository, digest) {
			const names = (await list(repository, {})) ?? [];
			const targets = await mapBounded(names, 16, tag => read(repository, tag).catch(() => undefined));
			return names.filter((_, i) => targets[i] === digest);
		},
	};
}

/** A page this short is looked at tag by tag; for a longer one it pays to remember all. */
const fewTags = 256;
/** More than a tick of the kernel's clock for file times. */
const racyMs = 50;

interface Listed {
	readonly state: string;
	readonly tags: readonly string[];
}

/** The folder of tags as it is now; settled when a later change has to show. */
async function stateOf(path: string): Promise<{readonly text: string; readonly isSettled: boolean} | undefined> {
	const found = await lstat(path).catch(() => undefined);
	if (found === undefined) return undefined;
	return {text: `${found.ino} ${found.mtimeMs} ${found.ctimeMs}`, isSettled: Date.now() - found.mtimeMs > racyMs};
}

async function isRepository(folder: StockFolder, repository: string): Promise<boolean> {
	const names = await namesIn(join(folder.base, repositoryFolder(repository)));
	return names?.some(name => name === '_layers' || name === '_manifests') === true;
}

async function isFile(path: string): Promise<boolean> {
	return await withIo('read', path, async () => (await lstat(path)).isFile()).catch((error: unknown) => {
		if (isAbsent((error as Error).cause)) return false;
		throw error;
	});
}

async function namesIn(path: string): Promise<readonly string[] | undefined> {
	return await withIo('list', path, async () => {
		try {
			return await readdir(path);
		} catch (error) {
			if (isAbsent(error)) return undefined;
			throw error;
		}
	});
}
