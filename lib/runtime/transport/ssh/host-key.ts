import {createHash} from 'node:crypto';
import {HostError} from '../../host/error.js';
import {type KnownHosts, type KnownKey, keyType} from './known-hosts.js';
import type {HostKeyPolicy} from './options.js';

/** How a host is looked up in known_hosts. */
export interface KnownAs {
	/** The host's name in reports. */
	readonly host: string;
	/** `knownName` of address or alias. */
	readonly name: string;
	/** The bare name, when the other has a port: a key known without a port is good for every port. */
	readonly bareName: string | undefined;
}

/** What is to be done with the key that a host shows. */
export type KeyVerdict =
	| {readonly kind: 'known'}
	/** To be written down once the host has proved that it has the key. */
	| {readonly kind: 'new'}
	/** Taken as it is, and not written down. */
	| {readonly kind: 'unchecked'; readonly differs: boolean}
	| {readonly kind: 'refused'; readonly error: HostError};

/** Decides on the key of a host. Revoked keys are refused even where nothing else is checked. */
export function judgeHostKey(key: Buffer, as: KnownAs, known: KnownHosts, policy: HostKeyPolicy): KeyVerdict {
	const revoked = known.revocation(as.name, key) ?? (as.bareName && known.revocation(as.bareName, key));
	if (revoked) return refuse(revokedError(key, as, revoked));
	const lines = known.find(as.name);
	const isKnown = (line: KnownKey): boolean => line.marker === undefined && line.key.equals(key);
	if (lines.some(isKnown) || (as.bareName !== undefined && known.find(as.bareName).some(isKnown)))
		return {kind: 'known'};
	const keys = lines.filter(line => line.marker === undefined);
	if (policy === 'off') return {kind: 'unchecked', differs: keys.length > 0};
	if (keys.length > 0) return refuse(changedError(key, as, keys));
	const [authority] = lines;
	if (authority !== undefined) return refuse(authorityError(as, authority));
	return policy === 'strict' ? refuse(unknownError(key, as)) : {kind: 'new'};
}

/**
 * The types of host keys to ask for: first those that the host is known by, since a server that shows another of its keys would
 * look like another server.
 */
export function preferredTypes(as: KnownAs, known: KnownHosts, types: readonly string[]): readonly string[] {
	const lines = [...known.find(as.name), ...(as.bareName === undefined ? [] : known.find(as.bareName))];
	const wanted = new Set(
		lines.flatMap(line => (line.type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [line.type])),
	);
	return [...types.filter(type => wanted.has(type)), ...types.filter(type => !wanted.has(type))];
}

/** As ssh and ssh-keygen show it. */
export function fingerprint(key: Buffer): string {
	return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

function refuse(error: HostError): KeyVerdict {
	return {kind: 'refused', error};
}

function changedError(key: Buffer, as: KnownAs, keys: readonly KnownKey[]): HostError {
	// What this very run has written down has no line yet.
	const places = keys.map(({file, line}) => (line === 0 ? file : `${file}:${line}`));
	return new HostError(
		as.host,
		'ERR_HOST_KEY_CHANGED',
		`The host shows the ${keyType(key)} key ${fingerprint(key)}, but it is known by ${keys.map(shown).join(', ')} (${places.join(', ')})`,
		{
			hint: `Somebody may be in between. If the host was installed anew, run "ssh-keygen -R '${as.name}' -f ${keys[0]!.file}".`,
			details: {found: fingerprint(key), expected: keys.map(line => fingerprint(line.key)), places},
		},
	);
}

function shown(line: KnownKey): string {
	return `${line.type} ${fingerprint(line.key)}`;
}

function revokedError(key: Buffer, as: KnownAs, line: KnownKey): HostError {
	return new HostError(
		as.host,
		'ERR_HOST_KEY_REVOKED',
		`The host shows the key ${fingerprint(key)}, which ${line.file}:${line.line} revokes`,
		{hint: 'Give the host a new key; whoever has the old one could be the host.'},
	);
}

function authorityError(as: KnownAs, line: KnownKey): HostError {
	return new HostError(
		as.host,
		'ERR_HOST_KEY_AUTHORITY',
		`${line.file}:${line.line} vouches for ${as.name} with a certificate authority, and certificates of hosts cannot be checked here`,
		{hint: `Add the host's own key with "ssh-keyscan", once you have compared its fingerprint.`},
	);
}

function unknownError(key: Buffer, as: KnownAs): HostError {
	return new HostError(
		as.host,
		'ERR_HOST_KEY_UNKNOWN',
		`The host is not in known_hosts; it shows the ${keyType(key)} key ${fingerprint(key)}`,
		{
			hint: 'Compare the fingerprint, then add the key to known_hosts, or use --host-key accept-new.',
			details: {found: fingerprint(key)},
		},
	);
}
