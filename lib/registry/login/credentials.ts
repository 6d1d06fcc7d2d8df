import type {Abortable} from '../../core/events.js';

interface Origin {
	/** Where they come from, for messages: `~/.docker/config.json`, `--creds`, `docker-credential-pass`. */
	readonly origin?: string | undefined;
}

/** What a registry may ask for. */
export type Credentials = Origin &
	(
		| {readonly kind: 'password'; readonly username: string; readonly password: string}
		/** An OAuth2 refresh token, kept by `docker login` as `identitytoken`. */
		| {readonly kind: 'identity-token'; readonly token: string; readonly username?: string | undefined}
		/** A bearer token that is sent as it is, kept as `registrytoken`. */
		| {readonly kind: 'registry-token'; readonly token: string}
	);

/**
 * Gives the credentials for a repository, or undefined for anonymous access.
 * @param host as in references: `docker.io`, `localhost:5000`
 * @throws SealError ERR_CREDENTIALS
 */
export type CredentialSource = (
	host: string,
	repository: string,
	options?: Abortable,
) => Credentials | undefined | Promise<Credentials | undefined>;

/** Asks each source in turn; the first that knows the repository counts. */
export function firstCredentials(...sources: readonly CredentialSource[]): CredentialSource {
	return async (host, repository, options) => {
		for (const source of sources) {
			const found = await source(host, repository, options);
			if (found !== undefined) return found;
		}
		return undefined;
	};
}

/** Credentials in words, without their secret: "the password of ann from ~/.docker/config.json". */
export function describeCredentials(credentials: Credentials): string {
	const {kind, origin} = credentials;
	const from = origin === undefined ? '' : ` from ${origin}`;
	if (kind === 'registry-token') return `the registry token${from}`;
	if (kind === 'identity-token') return `the identity token${from}`;
	return `the password of ${credentials.username.replace(/[^\x20-\x7e]+/g, '?').slice(0, 100)}${from}`;
}
