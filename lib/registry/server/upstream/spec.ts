import {SealError} from '../../../core/errors.js';
import {parseReference} from '../../../oci/reference.js';
import {embeddedRepository} from '../../embed/layout.js';

/** Where the content of a registry is fetched from when it is asked for. */
export interface UpstreamSpec {
	/** The registry as images name it (`docker.io`), or `*` for every one that has no upstream of its own. */
	readonly namespace: string;
	/**
	 * An http or https address. A path stands before the name of each repository there (`https://harbor.example/dockerhub`). That of
	 * `*` is asked with `?ns=` as containerd asks a mirror.
	 */
	readonly url: string;
}

/**
 * Reads `docker.io=https://mirror.example`; `docker.io` alone means that registry itself.
 * @throws SealError ERR_UPSTREAM_INVALID
 */
export function parseUpstream(text: string): UpstreamSpec {
	const equals = text.indexOf('=');
	const namespace = equals === -1 ? text : text.slice(0, equals);
	if (equals === -1 && namespace === '*') throw invalid(text, 'needs an address', 'Write *=https://HOST.');
	const url = equals === -1 ? `https://${namespace}` : text.slice(equals + 1);
	const spec = {namespace: namespace === '*' ? namespace : domainOf(namespace, text), url};
	upstreamPlace(spec);
	return spec;
}

export interface UpstreamPlace {
	/** As in references: what credentials are looked up under. */
	readonly host: string;
	/** `dockerhub/`, or nothing. */
	readonly prefix: string;
	/** Plain http, declared by the address. */
	readonly isPlain: boolean;
}

/** @throws SealError ERR_UPSTREAM_INVALID */
export function upstreamPlace({namespace, url}: UpstreamSpec): UpstreamPlace {
	const shown = `${namespace}=${url.replace(/\/\/[^/]*@/, '//...@')}`;
	if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) throw invalid(shown, 'has no http or https address');
	const {protocol, host, pathname, username, password, search, hash} = new URL(url);
	if (username !== '' || password !== '') {
		throw invalid(shown, 'holds credentials', 'Log in to it instead: logins are used for upstreams, too.');
	}
	if (search !== '' || hash !== '') throw invalid(shown, 'has a query');
	const path = pathname.replace(/^\/+|\/+$/g, '').replace(/^v2(?:\/|$)/, '');
	if (path !== '' && !/^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/.test(path))
		throw invalid(shown, 'has a path that names no project');
	const isHub = /^(?:index|registry-1)\.docker\.io$/.test(host);
	return {host: isHub ? 'docker.io' : host, prefix: path === '' ? '' : `${path}/`, isPlain: protocol === 'http:'};
}

/** The first part of the names that a registry's repositories have in the storage: `docker.io`, `localhost_5000`. */
export function folderOf(namespace: string): string {
	return embeddedRepository({domain: namespace, path: 'x'}).slice(0, -2);
}

/** The registry of a folder, when its name can be that of one. */
export function namespaceOfFolder(folder: string): string | undefined {
	const host = folder.replace(/_(\d{1,5})$/, ':$1');
	return host.includes('.') || host.includes(':') || host === 'localhost' ? host : undefined;
}

function domainOf(namespace: string, text: string): string {
	try {
		const {domain} = parseReference(`${namespace}/x`);
		if (domain === namespace || namespace === 'index.docker.io') return domain;
	} catch {
		// Said below, in the terms of upstreams.
	}
	throw invalid(text, `begins with ${JSON.stringify(namespace.slice(0, 100))}, which is no registry`);
}

function invalid(text: string, why: string, hint?: string): SealError {
	return new SealError('ERR_UPSTREAM_INVALID', `The upstream ${JSON.stringify(text.slice(0, 200))} ${why}`, {
		hint: hint ?? 'Write it as REGISTRY=URL: docker.io=https://registry-1.docker.io.',
	});
}
