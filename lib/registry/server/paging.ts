import type {Exchange} from './exchange.js';
import {refuse} from './refusal.js';

/** The most names in one answer: a client gets the rest by the Link header, and no list fills the memory. */
const maxPage = 10_000;

/** One page of names, and the Link to the next when there is one. */
export interface NamePage {
	readonly names: readonly string[];
	readonly headers: Readonly<Record<string, string>>;
}

/**
 * Reads `n` and `last`, and takes that page of a sorted list.
 * @param list names after `after` in byte order, at most `limit`; undefined when there is no such list
 * @throws Refusal PAGINATION_NUMBER_INVALID
 */
export async function takePage(
	exchange: Exchange,
	list: (page: {readonly after: string | undefined; readonly limit: number}) => Promise<readonly string[] | undefined>,
): Promise<NamePage | undefined> {
	const {query} = exchange;
	const wanted = query.get('n');
	if (wanted !== null && !/^\d{1,9}$/.test(wanted)) {
		throw refuse('PAGINATION_NUMBER_INVALID', undefined, {detail: {n: wanted.slice(0, 40)}});
	}
	const size = wanted === null ? maxPage : Math.min(Number(wanted), maxPage);
	// One more than the page tells whether there is another.
	const found = await list({after: query.get('last') ?? undefined, limit: size + 1});
	if (found === undefined) return undefined;
	const names = found.slice(0, size);
	const last = names.at(-1);
	if (found.length <= size || last === undefined) return {names, headers: {}};
	const next = new URLSearchParams(query);
	next.set('n', String(size));
	next.set('last', last);
	return {names, headers: {link: `<${exchange.path}?${next}>; rel="next"`}};
}
