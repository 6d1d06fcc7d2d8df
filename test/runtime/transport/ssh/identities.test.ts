import {generateKeyPairSync} from 'node:crypto';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {Secret} from '../../../../lib/core/secret.js';
import {createIdentities} from '../../../../lib/runtime/transport/ssh/identities.js';
import {generateKey} from '../../../helpers/ssh-server.js';
import {tempDir, writeFiles} from '../../../helpers/temp-dir.js';

interface KeyCase {
	readonly text: string;
	readonly passphrase?: string;
	readonly type?: string;
	readonly message?: RegExp;
}

const opens = test.macro(async (t: ExecutionContext, {text, passphrase, type, message}: KeyCase) => {
	const opened = createIdentities().open(
		{key: new Secret(text)},
		passphrase === undefined ? undefined : new Secret(passphrase),
	);
	if (message !== undefined) {
		const error = await t.throwsAsync(opened, {code: 'ERR_IDENTITY', message});
		t.false(JSON.stringify(error).includes(passphrase ?? 'nothing'));
		return;
	}
	const found = await opened;
	t.is<string | undefined, string | undefined>(found.kind === 'open' ? found.key.type : found.kind, type);
});

const pairs = {
	ec: () => generateKeyPairSync('ec', {namedCurve: 'P-256'}),
	ed25519: () => generateKeyPairSync('ed25519'),
	rsa: () => generateKeyPairSync('rsa', {modulusLength: 2048}),
};

function pem(type: keyof typeof pairs, passphrase?: string): string {
	const encryption = passphrase === undefined ? {} : {cipher: 'aes-256-cbc', passphrase};
	return pairs[type]()
		.privateKey.export({type: 'pkcs8', format: 'pem', ...encryption})
		.toString();
}

test('opens an Ed25519 key of PKCS#8', opens, {text: pem('ed25519'), type: 'ssh-ed25519'});
test('opens an ECDSA key of PKCS#8', opens, {text: pem('ec'), type: 'ecdsa-sha2-nistp256'});
test('opens an RSA key of PKCS#8', opens, {text: pem('rsa'), type: 'ssh-rsa'});
test('opens an encrypted key of PKCS#8', opens, {
	text: pem('ed25519', 'sesame'),
	passphrase: 'sesame',
	type: 'ssh-ed25519',
});
test('knows an encrypted key of PKCS#8 without a passphrase as locked', opens, {
	text: pem('ec', 'sesame'),
	type: 'locked',
});
test('tells a wrong passphrase of PKCS#8', opens, {
	text: pem('ec', 'sesame'),
	passphrase: 'alibaba',
	message: /the passphrase does not open it$/,
});
test('opens an encrypted key of OpenSSH', opens, {
	text: generateKey('ecdsa', 'sesame').private,
	passphrase: 'sesame',
	type: 'ecdsa-sha2-nistp256',
});
test('knows an encrypted key of OpenSSH without a passphrase as locked', opens, {
	text: generateKey('ed25519', 'sesame').private,
	type: 'locked',
});
test('a passphrase for a key that needs none does no harm', opens, {
	text: generateKey().private,
	passphrase: 'sesame',
	type: 'ssh-ed25519',
});
test('tells a public key for what it is', opens, {text: generateKey().public, message: /it is a public key$/});
test('tells what is no key', opens, {text: 'no key at all', message: /its format or its type is not known$/});
test('tells a key that SSH does not know', opens, {
	text: generateKeyPairSync('x25519').privateKey.export({type: 'pkcs8', format: 'pem'}).toString(),
	message: /its format or its type is not known$/,
});

test('a folder is no key, nor is a file that is too long', async t => {
	const folder = tempDir(t);
	writeFiles(folder, {long: 'x'.repeat(70_000)});
	const identities = createIdentities();
	for (const file of [folder, join(folder, 'long')]) {
		await t.throwsAsync(identities.open({file}, undefined), {
			code: 'ERR_IDENTITY',
			message: /it is no file of the size of a key$/,
		});
	}
	t.is((await identities.open({file: join(folder, 'absent')}, undefined)).kind, 'missing');
});
