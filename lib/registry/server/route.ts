import {isRepositoryName} from './names.js';
import {refuse} from './refusal.js';

/** What a path means. Names are as in the path; digests and references are not checked yet: each method refuses in its own way. */
export type Route =
	| {readonly kind: 'ping'}
	| {readonly kind: 'catalog'}
	| {readonly kind: 'blob'; readonly name: string; readonly digest: string}
	| {readonly kind: 'manifest'; readonly name: string; readonly reference: string}
	| {readonly kind: 'uploads'; readonly name: string}
	| {readonly kind: 'upload'; readonly name: string; readonly id: string}
	| {readonly kind: 'tags'; readonly name: string}
	| {readonly kind: 'referrers'; readonly name: string; readonly digest: string};

export type RouteKind = Route['kind'];
export type RouteOf<K extends RouteKind> = Extract<Route, {readonly kind: K}>;

/**
 * Reads a decoded path. Names of repositories may hold any of the words that paths are made of (`blobs/uploads` is a fine
 * name), so that only the right end of a path decides.
 * @throws Refusal NOT_FOUND, NAME_INVALID
 */
export function routeOf(path: string): Route {
	if (path === '/v2/' || path === '/v2') return {kind: 'ping'};
	if (path === '/v2/_catalog') return {kind: 'catalog'};
	if (!path.startsWith('/v2/')) throw refuse('NOT_FOUND');
	const parts = path.slice('/v2/'.length).split('/');
	const last = parts.at(-1) ?? '';
	const before = parts.at(-2);
	if (before === 'tags' && last === 'list') return {kind: 'tags', name: nameOf(parts, 2)};
	if (before === 'blobs' && last === 'uploads') return {kind: 'uploads', name: nameOf(parts, 2)};
	if (before === 'uploads' && last === '' && parts.at(-3) === 'blobs') return {kind: 'uploads', name: nameOf(parts, 3)};
	if (last === '') throw refuse('NOT_FOUND');
	if (before === 'manifests') return {kind: 'manifest', name: nameOf(parts, 2), reference: last};
	if (before === 'blobs') return {kind: 'blob', name: nameOf(parts, 2), digest: last};
	if (before === 'referrers') return {kind: 'referrers', name: nameOf(parts, 2), digest: last};
	if (before === 'uploads' && parts.at(-3) === 'blobs') return {kind: 'upload', name: nameOf(parts, 3), id: last};
	throw refuse('NOT_FOUND');
}

function nameOf(parts: readonly string[], words: number): string {
	const name = parts.slice(0, -words).join('/');
	if (name === '') throw refuse('NOT_FOUND');
	if (!isRepositoryName(name))
		throw refuse('NAME_INVALID', 'The repository name is invalid', {detail: {name: name.slice(0, 300)}});
	return name;
}
