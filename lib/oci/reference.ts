import {SealError} from '../core/errors.js';
import {type Digest, isDigest} from './digest.js';

/** A parsed image reference, every default filled in. */
export interface ImageReference {
	/** `docker.io`, `registry.k8s.io`, `localhost:5000`. */
	readonly domain: string;
	/** The repository below the domain: `library/redis`, `pause`. */
	readonly path: string;
	readonly tag?: string | undefined;
	readonly digest?: Digest | undefined;
}

/** Repository names above this are refused by every registry (distribution's `NameTotalLengthMax`). */
const maxRepositoryLength = 255;
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const domainPattern =
	/^(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*)(?::[0-9]+)?$/;
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}$/;

/**
 * Reads a reference with docker's rules: `redis` is `docker.io/library/redis`, a first component with a dot, a colon or
 * capitals (or `localhost`) is the domain. A reference without tag and digest gets the tag `latest`.
 * @throws SealError ERR_REFERENCE_INVALID
 */
export function parseReference(text: string): ImageReference {
	const [named = '', digestText, ...rest] = text.split('@');
	if (rest.length > 0) throw invalid(text, 'it has two digests');
	if (digestText !== undefined && !isDigest(digestText))
		throw invalid(text, 'its digest is no sha256 or sha512 digest');
	const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
	const tag = colon === -1 ? undefined : named.slice(colon + 1);
	if (tag !== undefined && !tagPattern.test(tag)) throw invalid(text, `its tag ${JSON.stringify(tag)} is no tag`);
	const {domain, path} = splitDomain(colon === -1 ? named : named.slice(0, colon));
	if (!domainPattern.test(domain)) throw invalid(text, `${JSON.stringify(domain)} is no registry`);
	if (!path.split('/').every(part => component.test(part)))
		throw invalid(text, `the repository ${JSON.stringify(path)} is no lower-case path`);
	if (domain.length + 1 + path.length > maxRepositoryLength)
		throw invalid(text, `its name is longer than ${maxRepositoryLength} characters`);
	const finalTag = tag ?? (digestText === undefined ? 'latest' : undefined);
	return {
		domain,
		path,
		...(finalTag === undefined ? {} : {tag: finalTag}),
		...(digestText === undefined ? {} : {digest: digestText as Digest}),
	};
}

/** The full form, the one key of an image: `docker.io/library/redis:7`, `registry.k8s.io/pause:3.9@sha256:...`. */
export function formatReference(reference: ImageReference): string {
	const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
	const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
	return `${repositoryOf(reference)}${tag}${digest}`;
}

/** The repository with its domain: `docker.io/library/redis`. */
export function repositoryOf(reference: ImageReference): string {
	return `${reference.domain}/${reference.path}`;
}

/** `formatReference` of `parseReference`. @throws SealError ERR_REFERENCE_INVALID */
export function normalizeReference(text: string): string {
	return formatReference(parseReference(text));
}

/** The form that people write: `docker.io/library/redis:7` is shown as `redis:7`. Text that is no reference is kept. */
export function shortReference(name: string): string {
	return name.replace(/^docker\.io\/(?:library\/(?=[^/]+$))?/, '');
}

function splitDomain(name: string): {domain: string; path: string} {
	const slash = name.indexOf('/');
	const first = slash === -1 ? '' : name.slice(0, slash);
	if (slash === -1 || !(/[.:A-Z]/.test(first) || first === 'localhost'))
		return {domain: 'docker.io', path: slash === -1 ? `library/${name}` : name};
	const domain = first === 'index.docker.io' ? 'docker.io' : first;
	const path = name.slice(slash + 1);
	return {domain, path: domain === 'docker.io' && !path.includes('/') ? `library/${path}` : path};
}

function invalid(text: string, why: string): SealError {
	const shown = text.length > 160 ? `${text.slice(0, 160)}...` : text;
	return new SealError('ERR_REFERENCE_INVALID', `${JSON.stringify(shown)} is not an image reference: ${why}`, {
		hint: 'Write it as [registry/]repository[:tag][@sha256:digest].',
	});
}
