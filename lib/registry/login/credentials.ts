/** What a registry may ask for. */
export type Credentials =
	| {readonly kind: 'password'; readonly username: string; readonly password: string}
	/** An OAuth2 refresh token, kept by `docker login` as `identitytoken`. */
	| {readonly kind: 'identity-token'; readonly token: string}
	/** A bearer token that is sent as it is, kept as `registrytoken`. */
	| {readonly kind: 'registry-token'; readonly token: string};

/**
 * Gives the credentials for a repository, or undefined for anonymous access.
 * @param host as in references: `docker.io`, `localhost:5000`
 */
export type CredentialSource = (
	host: string,
	repository: string,
) => Credentials | undefined | Promise<Credentials | undefined>;

/**
 * Reads the `auths` of a docker `config.json` or containers `auth.json`, given as parsed JSON. Keys may be hosts, URLs as
 * docker writes them, or paths of repositories; the longest that fits counts. Entries that cannot be read are passed over.
 */
export function credentialsFromConfig(config: unknown): CredentialSource {
	const auths = (config as {auths?: unknown} | null | undefined)?.auths;
	const byKey = new Map<string, Credentials>();
	for (const [key, value] of Object.entries((auths ?? {}) as object)) {
		const credentials = readEntry(value);
		if (credentials !== undefined) byKey.set(normalizeKey(key), credentials);
	}
	return (host, repository) => {
		const parts = `${host}/${repository}`.split('/');
		for (let length = parts.length; length > 0; length--) {
			const found = byKey.get(parts.slice(0, length).join('/'));
			if (found !== undefined) return found;
		}
		return undefined;
	};
}

/** Asks each source in turn; the first that knows the repository counts. */
export function firstCredentials(...sources: readonly CredentialSource[]): CredentialSource {
	return async (host, repository) => {
		for (const source of sources) {
			const found = await source(host, repository);
			if (found !== undefined) return found;
		}
		return undefined;
	};
}

/** `https://index.docker.io/v1/` is what docker calls its own registry; other hosts may come as URLs too. */
function normalizeKey(key: string): string {
	const bare = key.replace(/^https?:\/\//, '').replace(/\/+$/, '');
	const withoutVersion = bare.replace(/^([^/]+)\/v[12]$/, '$1');
	return withoutVersion.replace(/^(?:index|registry-1|registry)\.docker\.io(?=\/|$)/, 'docker.io');
}

function readEntry(value: unknown): Credentials | undefined {
	if (typeof value !== 'object' || value === null) return undefined;
	const {auth, username, password, identitytoken, registrytoken} = value as Record<string, unknown>;
	if (typeof registrytoken === 'string' && registrytoken !== '') return {kind: 'registry-token', token: registrytoken};
	if (typeof identitytoken === 'string' && identitytoken !== '') return {kind: 'identity-token', token: identitytoken};
	if (typeof auth === 'string' && auth !== '') {
		// docker pads the text with NULs; a password may hold colons, a name cannot.
		const text = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '');
		const colon = text.indexOf(':');
		if (colon < 1) return undefined;
		return {kind: 'password', username: text.slice(0, colon), password: text.slice(colon + 1)};
	}
	if (typeof username !== 'string' || username === '' || typeof password !== 'string') return undefined;
	return {kind: 'password', username, password};
}
