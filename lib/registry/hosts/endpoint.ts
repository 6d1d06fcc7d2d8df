import type {Abortable} from '../../core/events.js';
import type {HttpTls} from '../../core/http.js';
import {isLoopback} from './address.js';

/** What may be asked at an endpoint: content by digest, what a name stands for, and writes. */
export type EndpointUse = 'pull' | 'resolve' | 'push';

export const allUses: readonly EndpointUse[] = ['pull', 'resolve', 'push'];

/** A place where a repository is reached: the registry itself, or a mirror of it. */
export interface Endpoint {
	/** The name under which its logins are kept: as in references (`docker.io`), or host and port of a mirror. */
	readonly host: string;
	/** `https://registry-1.docker.io`, without a slash at the end. */
	readonly origin: string;
	/** What stands before the name of the repository: `/v2`, unless the configuration says otherwise. */
	readonly basePath: string;
	/** What the repository is called there. */
	readonly repository: string;
	readonly uses: readonly EndpointUse[];
	/** Plain http is tried where https finds no TLS: loopback, and hosts that were declared insecure. */
	readonly plainHttp: boolean;
	/** Declared insecure: credentials may go over plain http. */
	readonly insecure: boolean;
	readonly tls?: HttpTls | undefined;
	readonly headers?: Readonly<Record<string, string>> | undefined;
	/** Milliseconds for the connection; default as core/http.ts has it. */
	readonly connectTimeoutMs?: number | undefined;
	/** For a mirror: the registry that it stands for, sent as `ns` (containerd's convention). */
	readonly namespace?: string | undefined;
	/** True for all but the registry itself: when it fails, the next endpoint is asked. */
	readonly isMirror: boolean;
	/** Where a file with the authority of its certificate would be found, for messages. */
	readonly caPath?: string | undefined;
}

/**
 * Where a repository is reached, in the order in which the places are to be tried; never empty, the registry itself last.
 * @param host as in references: `docker.io`, `localhost:5000`
 * @throws SealError for configuration files that cannot be read, and ERR_REGISTRY_BLOCKED
 */
export type HostResolver = (host: string, repository: string, options?: Abortable) => Promise<readonly Endpoint[]>;

/** Docker Hub answers under another name than its images carry. */
const aliases: Readonly<Record<string, string>> = {'docker.io': 'registry-1.docker.io'};

/** The registry itself, as it is reached when no configuration says otherwise. */
export function homeEndpoint(host: string, repository: string, {insecure = false} = {}): Endpoint {
	return {
		host,
		origin: `https://${aliases[host] ?? host}`,
		basePath: '/v2',
		repository,
		uses: allUses,
		plainHttp: insecure || isLoopback(host),
		insecure,
		...(insecure ? {tls: {insecure: true}} : {}),
		isMirror: false,
	};
}
