import {createHmac, timingSafeEqual} from 'node:crypto';
import {matchesPatterns} from './config/patterns.js';

/** A line of known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
export interface KnownKey {
	readonly marker: 'cert-authority' | 'revoked' | undefined;
	/** Patterns, or one hashed name. */
	readonly names: readonly string[];
	/** The name of the algorithm: "ssh-ed25519". */
	readonly type: string;
	/** In its wire form. */
	readonly key: Buffer;
	readonly file: string;
	readonly line: number;
}

/** What is known of keys of hosts, looked up by name. Lines of plain names take no time, however many there are. */
export class KnownHosts {
	readonly #plain = new Map<string, KnownKey[]>();
	readonly #others: KnownKey[] = [];
	/** What `#others` has for a name: a hashed name costs microseconds, and a host is looked up several times. */
	readonly #matched = new Map<string, readonly KnownKey[]>();
	readonly #revoked: KnownKey[] = [];

	/** Lines that cannot be read are passed over, as OpenSSH does: other tools may understand them. */
	read(text: string, file: string): void {
		for (const [index, line] of text.split('\n').entries()) {
			const key = parseLine(line, file, index + 1);
			if (key !== undefined) this.add(key);
		}
	}

	add(key: KnownKey): void {
		if (key.marker === 'revoked') this.#revoked.push(key);
		else if (key.marker !== undefined || key.names.some(name => /^[|!]|[*?]/.test(name))) {
			this.#others.push(key);
			this.#matched.clear();
		} else {
			for (const name of key.names) {
				const known = this.#plain.get(name);
				if (known === undefined) this.#plain.set(name, [key]);
				else known.push(key);
			}
		}
	}

	/** The keys, and certificate authorities, of a host. */
	find(name: string): readonly KnownKey[] {
		const matched = this.#matched.get(name) ?? this.#others.filter(key => matchesName(name, key.names));
		this.#matched.set(name, matched);
		return [...(this.#plain.get(name) ?? []), ...matched];
	}

	/** The line that revokes this key for the host, if any. */
	revocation(name: string, key: Buffer): KnownKey | undefined {
		return this.#revoked.find(line => line.key.equals(key) && matchesName(name, line.names));
	}
}

/** How known_hosts calls a host: the bare name at the usual port, else with brackets and port. */
export function knownName(address: string, port: number): string {
	const name = address.toLowerCase();
	return port === 22 ? name : `[${name}]:${port}`;
}

/** A line that makes a key known. Hashed, it does not tell the name to who reads the file. */
export function knownHostsLine(name: string, key: Buffer, salt?: Buffer): string {
	const shown = salt === undefined ? name : `|1|${salt.toString('base64')}|${hashName(name, salt).toString('base64')}`;
	return `${shown} ${keyType(key)} ${key.toString('base64')}\n`;
}

/** The algorithm that a key in wire form names first. */
export function keyType(key: Buffer): string {
	const length = key.length < 4 ? 0 : key.readUInt32BE(0);
	return length > 64 ? '' : key.toString('latin1', 4, 4 + length);
}

function parseLine(text: string, file: string, line: number): KnownKey | undefined {
	const found = /^\s*(?:@(cert-authority|revoked)\s+)?([^\s#@]\S*)\s+([\w@.-]+)\s+([A-Za-z0-9+/]+=*)(?:\s|$)/.exec(
		text,
	);
	if (found === null) return undefined;
	const [, marker, names = '', type = '', encoded = ''] = found;
	return {
		marker: marker as KnownKey['marker'],
		names: names.startsWith('|') ? [names] : names.toLowerCase().split(','),
		type,
		key: Buffer.from(encoded, 'base64'),
		file,
		line,
	};
}

function matchesName(name: string, names: readonly string[]): boolean {
	const [first = ''] = names;
	return first.startsWith('|') ? matchesHash(name, first) : matchesPatterns(name, names);
}

function matchesHash(name: string, hashed: string): boolean {
	const [, version, salt = '', hash = ''] = hashed.split('|');
	const expected = Buffer.from(hash, 'base64');
	return (
		version === '1' && expected.length === 20 && timingSafeEqual(hashName(name, Buffer.from(salt, 'base64')), expected)
	);
}

/** SHA-1 is what the file format asks for; it hides names, it proves nothing. */
function hashName(name: string, salt: Buffer): Buffer {
	return createHmac('sha1', salt).update(name).digest();
}
