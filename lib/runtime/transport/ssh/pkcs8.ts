import {createPrivateKey, type KeyObject, randomBytes} from 'node:crypto';

/**
 * Turns a key in PKCS#8 ("BEGIN PRIVATE KEY", "BEGIN ENCRYPTED PRIVATE KEY"), which ssh2 does not read, into a form that it does.
 * Undefined when the text is in another format. Throws what node:crypto throws for a wrong passphrase or an odd key.
 */
export function fromPkcs8(text: string, passphrase: string | undefined): string | undefined {
	if (!/^-----BEGIN (?:ENCRYPTED )?PRIVATE KEY-----/m.test(text)) return undefined;
	const key = createPrivateKey({key: text, ...(passphrase === undefined ? {} : {passphrase})});
	switch (key.asymmetricKeyType) {
		case 'rsa':
			return key.export({type: 'pkcs1', format: 'pem'}).toString();
		case 'ec':
			return key.export({type: 'sec1', format: 'pem'}).toString();
		case 'ed25519':
			return opensshEd25519(key);
		default:
			throw new Error(`Keys of the type ${key.asymmetricKeyType} are not for SSH`);
	}
}

/** The format of OpenSSH (PROTOCOL.key), which is the only one that holds Ed25519 keys for ssh2. */
function opensshEd25519(key: KeyObject): string {
	const {d = '', x = ''} = key.export({format: 'jwk'});
	const seed = Buffer.from(d, 'base64url');
	const publicKey = Buffer.from(x, 'base64url');
	const blob = Buffer.concat([field('ssh-ed25519'), field(publicKey)]);
	const check = randomBytes(4);
	const secret = Buffer.concat([check, check, blob, field(Buffer.concat([seed, publicKey])), field('')]);
	const padding = Buffer.from(Array.from({length: (8 - (secret.length % 8)) % 8}, (_, index) => index + 1));
	const count = Buffer.from([0, 0, 0, 1]);
	const body = Buffer.concat([
		Buffer.from('openssh-key-v1\0'),
		field('none'),
		field('none'),
		field(''),
		count,
		field(blob),
		field(Buffer.concat([secret, padding])),
	]);
	const lines = body.toString('base64').replace(/(.{70})/g, '$1\n');
	return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function field(content: string | Buffer): Buffer {
	const bytes = Buffer.from(content);
	const length = Buffer.alloc(4);
	length.writeUInt32BE(bytes.length);
	return Buffer.concat([length, bytes]);
}
