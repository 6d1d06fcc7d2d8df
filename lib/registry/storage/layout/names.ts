import {parseReference, repositoryOf, shortReference} from '../../../oci/reference.js';

/** The store's spelling of a repository that a request names: `redis` is `docker.io/library/redis`. Undefined when no store can hold it. */
export function storedRepository(repository: string): string | undefined {
	try {
		// With a tag, so that a name of 64 hexadecimal digits is not taken for an image id.
		return repositoryOf(parseReference(`${repository}:x`));
	} catch {
		return undefined;
	}
}

/** The spelling under which a repository of the store is listed: the one that people write. */
export function listedRepository(stored: string): string {
	return shortReference(stored);
}

/** What a name of the store says: its repository, and its tag unless it names content by digest. */
export interface StoredName {
	readonly repository: string;
	/** Undefined for names with a digest: those never move. */
	readonly tag: string | undefined;
}

/** Reads names of `index.json`; each text is read once, since a store is looked at with every request. */
export function createNameReader(): (name: string) => StoredName | undefined {
	const known = new Map<string, StoredName | undefined>();
	return name => {
		if (known.has(name)) return known.get(name);
		if (known.size >= maxKnown) known.clear();
		const read = readName(name);
		known.set(name, read);
		return read;
	};
}

const maxKnown = 100_000;

function readName(name: string): StoredName | undefined {
	try {
		const reference = parseReference(name);
		return {
			repository: repositoryOf(reference),
			tag: reference.digest === undefined ? reference.tag : undefined,
		};
	} catch {
		return undefined;
	}
}
