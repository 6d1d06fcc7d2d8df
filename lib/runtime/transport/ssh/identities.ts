import {readFile, stat} from 'node:fs/promises';
import {SealError} from '../../../core/errors.js';
import {ifExists, withIo} from '../../../core/io-error.js';
import type {Secret} from '../../../core/secret.js';
import type {Identity} from '../../host/target.js';
import {fromPkcs8} from './pkcs8.js';
import {parseSshKey, type SshKey} from './ssh2.js';

/** A private key that is ready to sign, or what is known of one that is not. Labels read "the private key /root/.ssh/id". */
export type OpenedIdentity =
	| {readonly kind: 'open'; readonly label: string; readonly key: SshKey}
	/** Encrypted, and no passphrase is at hand: an agent may hold it. */
	| {readonly kind: 'locked'; readonly label: string; readonly publicKey: Buffer | undefined}
	| {readonly kind: 'missing'; readonly label: string};

/** Opens private keys, each once for all hosts: a passphrase costs half a second of computing. */
export interface Identities {
	/** @throws SealError ERR_IDENTITY when the key is there and cannot be used; ERR_IO, ERR_PERMISSION */
	open(identity: Identity, passphrase: Secret | undefined): Promise<OpenedIdentity>;
	/** As `open`, for a key that must be there. */
	openNamed(identity: Identity, passphrase: Secret | undefined): Promise<OpenedIdentity>;
}

export function createIdentities(): Identities {
	const opened = new Map<string, Promise<OpenedIdentity>>();
	const open: Identities['open'] = (identity, common) => {
		const passphrase = identity.passphrase ?? common;
		const key = JSON.stringify(['file' in identity ? identity.file : identity.key.reveal(), passphrase?.reveal()]);
		const found = opened.get(key) ?? openIdentity(identity, passphrase);
		opened.set(key, found);
		return found;
	};
	return {
		open,
		async openNamed(identity, passphrase) {
			const found = await open(identity, passphrase);
			if (found.kind !== 'missing') return found;
			throw identityError(found.label, 'the file does not exist', 'Check the path.');
		},
	};
}

async function openIdentity(identity: Identity, passphrase: Secret | undefined): Promise<OpenedIdentity> {
	const label = 'file' in identity ? `the private key ${identity.file}` : 'the given private key';
	const text = 'file' in identity ? await readKey(identity.file) : identity.key.reveal();
	if (text === undefined) return {kind: 'missing', label};
	const parsed = await parse(text, passphrase?.reveal());
	if (!(parsed instanceof Error)) {
		if (parsed.isPrivateKey()) return {kind: 'open', label, key: parsed};
		throw identityError(
			label,
			'it is a public key',
			'Name the file of the private key, which has no ".pub" at the end.',
		);
	}
	if (isLocked(text) && passphrase === undefined) {
		return {kind: 'locked', label, publicKey: 'file' in identity ? await publicHalf(identity.file) : undefined};
	}
	if (isLocked(text)) throw identityError(label, 'the passphrase does not open it', 'Give the right passphrase.');
	throw identityError(
		label,
		'its format or its type is not known',
		'Give an Ed25519, ECDSA or RSA key in the format of OpenSSH or in PEM; let an agent hold keys of security tokens.',
	);
}

async function parse(text: string, passphrase: string | undefined): Promise<SshKey | Error> {
	try {
		return await parseSshKey(fromPkcs8(text, passphrase) ?? text, passphrase);
	} catch (error) {
		return error instanceof Error ? error : new Error(String(error));
	}
}

/** Whether a private key is encrypted, by its frame. */
function isLocked(text: string): boolean {
	if (/BEGIN ENCRYPTED PRIVATE KEY|^Proc-Type: 4,ENCRYPTED|^Encryption: (?!none)/m.test(text)) return true;
	const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(text)?.[1];
	if (body === undefined) return false;
	// "openssh-key-v1\0", then the length of the name of the cipher, then the name (PROTOCOL.key).
	return Buffer.from(body, 'base64').toString('latin1', 19, 23) !== 'none';
}

/** OpenSSH writes the public half beside the private one. */
async function publicHalf(file: string): Promise<Buffer | undefined> {
	const text = await readKey(`${file}.pub`).catch(() => undefined);
	const parsed = text === undefined ? undefined : await parseSshKey(text);
	return parsed === undefined || parsed instanceof Error ? undefined : parsed.getPublicSSH();
}

async function readKey(file: string): Promise<string | undefined> {
	return await withIo('read the private key', file, () =>
		ifExists(async () => {
			const found = await stat(file);
			if (found.isFile() && found.size <= 64 * 1024) return await readFile(file, 'utf8');
			throw identityError(
				`the private key ${file}`,
				'it is no file of the size of a key',
				'Name the file of a private key.',
			);
		}),
	);
}

function identityError(label: string, why: string, hint: string): SealError {
	return new SealError('ERR_IDENTITY', `${label.replace(/^t/, 'T')} cannot be used: ${why}`, {hint});
}
