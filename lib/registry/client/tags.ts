import {SealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import {badList, type ListRequest, listPages} from './pages.js';
import type {Place, Wire} from './wire.js';

export interface ListTagsOptions extends OperationOptions {
	/** Read no further page once there are so many. Default: all of them. */
	readonly limit?: number | undefined;
}

/** What registries are asked for at once; most give no more. */
const pageSize = 1000;
/** More tags than any real repository has. */
const maxTags = 500_000;
const tagPattern = /^\w[\w.-]{0,127}$/;

/**
 * The tags of a repository in byte order, each once; names that are no tags are left out.
 * @throws SealError ERR_IMAGE_UNKNOWN when the registry does not know the repository; RegistryError
 */
export async function listTags(wire: Wire, place: Place, options: ListTagsOptions = {}): Promise<readonly string[]> {
	const {limit = Number.POSITIVE_INFINITY} = options;
	const found = new Set<string>();
	const request = {...place, path: `/v2/${place.repository}/tags/list`};
	let query = `n=${pageSize}`;
	for (let rounds = 0; ; rounds++) {
		if (rounds > maxTags / pageSize) throw badList(request, 'does not end');
		const page = await readPages(wire, {...request, query}, found, limit, options);
		if (page === undefined && found.size === 0) throw unknownRepository(place);
		// Some registries keep to `n` and say nothing of more: a last page that is full is not trusted to be the last.
		const isFull = page?.isFull === true && page.isNew && found.size < limit;
		if (!isFull) return [...found].toSorted(compareBytes);
		query = `n=${pageSize}&last=${encodeURIComponent(page.last)}`;
	}
}

interface LastPage {
	readonly isFull: boolean;
	/** It held a tag that no page before it had. */
	readonly isNew: boolean;
	readonly last: string;
}

async function readPages(
	wire: Wire,
	request: ListRequest,
	found: Set<string>,
	limit: number,
	options: OperationOptions,
): Promise<LastPage | undefined> {
	let page: LastPage | undefined;
	for await (const {value} of listPages(wire, request, options)) {
		const names = (value as {tags?: unknown} | null)?.tags ?? [];
		if (!Array.isArray(names)) throw badList(request, 'holds no list of tags');
		const before = found.size;
		for (const name of names) if (typeof name === 'string' && tagPattern.test(name)) found.add(name);
		if (found.size > maxTags) throw badList(request, `has more than ${maxTags} tags`);
		page = {isFull: names.length === pageSize, isNew: found.size > before, last: String(names.at(-1))};
		if (found.size >= limit) break;
	}
	return page;
}

function unknownRepository({host, repository}: Place): SealError {
	return new SealError('ERR_IMAGE_UNKNOWN', `${host} has no repository ${repository}`, {
		hint: 'Check the name, and whether these credentials may read it.',
		details: {repository: `${host}/${repository}`},
	});
}

/** Valid tags are ASCII: code units are bytes. */
function compareBytes(a: string, b: string): number {
	return a < b ? -1 : Number(a > b);
}
