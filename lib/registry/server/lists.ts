import {type Answer, jsonAnswer} from './answer.js';
import type {Exchange} from './exchange.js';
import {takePage} from './paging.js';
import {refuse} from './refusal.js';
import type {RouteOf} from './route.js';

/** The tags of a repository, in byte order. */
export async function listTags(exchange: Exchange, {name}: RouteOf<'tags'>): Promise<Answer> {
	const {parts, repository, signal} = exchange;
	const page = await takePage(exchange, range => parts.storage.tags(repository, {...range, signal}));
	if (page === undefined) throw refuse('NAME_UNKNOWN', undefined, {detail: {name}});
	return jsonAnswer(200, {name, tags: page.names}, page.headers);
}

/** The repositories, in byte order (docker's registry has this; the specification does not). */
export async function listRepositories(exchange: Exchange): Promise<Answer> {
	const {parts, signal} = exchange;
	const page = await takePage(exchange, range => parts.storage.repositories({...range, signal}));
	return jsonAnswer(200, {repositories: page?.names ?? []}, page?.headers);
}
