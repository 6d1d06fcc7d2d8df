/** What an Authorization header offers. */
export type Authorization =
	| {readonly kind: 'none'}
	| {readonly kind: 'password'; readonly user: string; readonly password: string}
	| {readonly kind: 'bearer'; readonly token: string}
	/** Something that cannot be read; it is answered as wrong credentials are. */
	| {readonly kind: 'malformed'};

/** Reads an Authorization header (RFC 7617, RFC 6750). Schemes are known in any case. */
export function parseAuthorization(header: string | undefined): Authorization {
	if (header === undefined || header === '') return {kind: 'none'};
	const found = /^([A-Za-z]+) +([\x21-\x7e]+) *$/.exec(header);
	const [, scheme = '', value = ''] = found ?? [];
	if (scheme.toLowerCase() === 'bearer') return {kind: 'bearer', token: value};
	if (scheme.toLowerCase() !== 'basic' || !/^[A-Za-z0-9+/]+={0,2}$/.test(value)) return {kind: 'malformed'};
	const text = Buffer.from(value, 'base64').toString('utf8');
	const colon = text.indexOf(':');
	if (colon === -1) return {kind: 'malformed'};
	// skopeo and podman send an empty name and password when they have none.
	if (text === ':') return {kind: 'none'};
	return {kind: 'password', user: text.slice(0, colon), password: text.slice(colon + 1)};
}
