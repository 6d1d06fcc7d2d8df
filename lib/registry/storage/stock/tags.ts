import {lstat, readdir} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {withIo} from '../../../core/io-error.js';
import {mapBounded} from '../../../core/pool.js';
import type {Digest} from '../../../oci/digest.js';
import type {Page} from '../storage.js';
import {isAbsent} from './files.js';
import type {StockFolder} from './folder.js';
import type {Links} from './links.js';
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
	const list = async (repository: string, page: Page): Promise<readonly string[] | undefined> => {
		const {after = '', limit = Number.POSITIVE_INFINITY, signal} = page;
		const names = await namesIn(join(folder.base, tagsFolder(repository)));
		if (names === undefined) return (await isRepository(folder, repository)) ? [] : undefined;
		const wanted = names.filter(name => isTag(name) && name > after).toSorted();
		const tags: string[] = [];
		for (let at = 0; at < wanted.length && tags.length < limit; ) {
			const some = wanted.slice(at, at + Math.min(batch, limit - tags.length));
			at += some.length;
			// A tag that is being written has no current link yet.
			const found = await mapBounded(some, 16, tag => isFile(pathOf(repository, tag)), {signal});
			tags.push(...some.filter((_, i) => found[i]));
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

/** Tags looked at together; a page is rarely longer. */
const batch = 256;

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
