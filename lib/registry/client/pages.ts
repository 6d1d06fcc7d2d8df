import type {OperationOptions} from '../../core/events.js';
import {RegistryError} from '../exchange/error.js';
import {askJson, type JsonAnswer, type Wire} from './wire.js';

export interface ListRequest {
	/** As in references. */
	readonly host: string;
	/** For the scope of the token; empty for the catalog. */
	readonly repository: string;
	/** Without a query: `/v2/library/redis/tags/list`. */
	readonly path: string;
	/** The query of the first page, without `?`. */
	readonly query?: string;
	readonly headers?: Readonly<Record<string, string>>;
}

/** A page is read whole: registries that ignore `n` send all in one. */
const maxPageBytes = 32 * 1024 * 1024;
const maxPages = 10_000;

/**
 * The pages of a list, one after the other along `Link: <...>; rel="next"` (distribution-spec, "Listing Tags"); nothing for
 * 404. Of a Link only the query counts, and its path must be the one that was asked: no Link leads to another host or
 * repository. A list that comes back to a page it had, or never ends, is refused.
 * @throws RegistryError
 */
export async function* listPages(
	wire: Wire,
	request: ListRequest,
	options: OperationOptions,
): AsyncGenerator<JsonAnswer> {
	const {path, ...rest} = request;
	const seen = new Set<string>();
	for (let query: string | undefined = request.query ?? ''; query !== undefined; ) {
		options.signal?.throwIfAborted();
		if (seen.has(query) || seen.size >= maxPages) {
			throw badList(request, seen.has(query) ? 'comes back to a page it had' : `has more than ${maxPages} pages`);
		}
		seen.add(query);
		const answer = await askJson(
			wire,
			{...rest, path: query === '' ? path : `${path}?${query}`},
			maxPageBytes,
			options,
		);
		if (answer === undefined) return;
		yield answer;
		query = nextQuery(answer.header('link'), answer.url, request);
	}
}

/** The error of a list that the protocol does not allow. `why` fits after "The list that the registry gives". */
export function badList({host, path}: Pick<ListRequest, 'host' | 'path'>, why: string): RegistryError {
	return new RegistryError('ERR_REGISTRY_RESPONSE', `The list that ${host} gives ${why}`, {
		method: 'GET',
		url: `https://${host}${path}`,
	});
}

/** The longest header that is looked at. */
const maxLinkLength = 8192;

function nextQuery(link: string | undefined, base: string, request: ListRequest): string | undefined {
	if (link === undefined) return undefined;
	if (link.length > maxLinkLength) throw badList(request, 'leads on to an address that is too long');
	const target = [...link.matchAll(/<([^<>]*)>([^<]*)/g)].find(([, , parameters = '']) =>
		/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next\b)/i.test(parameters),
	)?.[1];
	if (target === undefined) return undefined;
	if (!URL.canParse(target, base)) throw badList(request, 'leads on to nowhere');
	const url = new URL(target, base);
	if (!isSameList(tailOf(url), tailOf(new URL(base)))) throw badList(request, 'leads on to something else');
	return url.search.slice(1);
}

/** Behind a proxy a registry may not know the whole of the path that it is reached by. */
function isSameList(one: string, other: string): boolean {
	return one === other || one.endsWith(`/${other}`) || other.endsWith(`/${one}`);
}

/** What follows the version of the protocol: `library/redis/tags/list`. */
function tailOf({pathname}: URL): string {
	const path = decodePath(pathname);
	return path.slice(path.lastIndexOf('/v2/') + '/v2/'.length);
}

function decodePath(path: string): string {
	try {
		return decodeURIComponent(path);
	} catch {
		return path;
	}
}
