import test, {type ExecutionContext} from 'ava';
import {Secret} from '../../../../lib/core/secret.js';
import type {HostLogin} from '../../../../lib/runtime/host/target.js';
import {exec} from '../../../../lib/runtime/transport/exec.js';
import {keyOf, loopback, sshHome} from '../../../helpers/ssh-hosts.js';
import {generateKey, type SshServerOptions, startSshServer} from '../../../helpers/ssh-server.js';

const key = generateKey();
const rsa = generateKey('rsa');
const locked = generateKey('ed25519', 'open sesame');

interface LoginCase {
	readonly server: SshServerOptions;
	readonly login: HostLogin;
	readonly attempts: readonly string[];
}

const logsIn = test.macro(async (t: ExecutionContext, {server, login, attempts}: LoginCase) => {
	const running = await startSshServer(t, server);
	const transport = sshHome(t).open(loopback(running, login));
	const {stdout} = await exec(transport, ['echo', 'in']);
	t.is(stdout.toString(), 'in\n');
	t.deepEqual(running.seen.attempts, attempts);
});

test('logs in with a password', logsIn, {
	server: {password: 'secret'},
	login: {password: new Secret('secret')},
	attempts: ['none', 'password'],
});
test('answers the one hidden question of keyboard-interactive with the password', logsIn, {
	server: {password: 'secret', interactive: true},
	login: {password: new Secret('secret')},
	attempts: ['none', 'keyboard-interactive'],
});
test('logs in with a key', logsIn, {
	server: {keys: [key]},
	login: {identities: [keyOf(key)]},
	attempts: ['none', 'publickey', 'publickey'],
});
test('opens an encrypted key with its passphrase', logsIn, {
	server: {keys: [locked]},
	login: {identities: [keyOf(locked, 'open sesame')]},
	attempts: ['none', 'publickey', 'publickey'],
});
test('opens an encrypted key with the passphrase for all keys', logsIn, {
	server: {keys: [locked]},
	login: {identities: [keyOf(locked)], passphrase: new Secret('open sesame')},
	attempts: ['none', 'publickey', 'publickey'],
});
test('tries one key after the other', logsIn, {
	server: {keys: [key]},
	login: {identities: [keyOf(generateKey('ecdsa')), keyOf(key)]},
	attempts: ['none', 'publickey', 'publickey', 'publickey'],
});
test('offers the password only where the host takes passwords', logsIn, {
	server: {keys: [key]},
	login: {identities: [keyOf(key)], password: new Secret('secret')},
	attempts: ['none', 'publickey', 'publickey'],
});
test('logs in with an RSA key', logsIn, {
	server: {keys: [rsa]},
	login: {identities: [keyOf(rsa)]},
	attempts: ['none', 'publickey', 'publickey'],
});

test('an agent that is gone is passed over', logsIn, {
	server: {keys: [key]},
	login: {agent: '/nonexistent/agent', identities: [keyOf(key)]},
	attempts: ['none', 'publickey', 'publickey'],
});

interface RefusalCase {
	readonly server: SshServerOptions;
	readonly login: HostLogin;
	readonly code: string;
	readonly message: RegExp;
}

const isRefused = test.macro(async (t: ExecutionContext, {server, login, code, message}: RefusalCase) => {
	const running = await startSshServer(t, server);
	const transport = sshHome(t).open(loopback(running, login));
	const error = await t.throwsAsync(exec(transport, ['true']), {code, message});
	t.is((error as {host?: string}).host, 'one');
	t.false(JSON.stringify(error).includes('sesame'));
	t.deepEqual(running.seen.commands, []);
});

test('tells a wrong password', isRefused, {
	server: {password: 'secret'},
	login: {password: new Secret('sesame')},
	code: 'ERR_HOST_PASSWORD',
	message: /^The host does not let the user "root" in with the password$/,
});
test('tells which keys were refused and what the host accepts', isRefused, {
	server: {keys: [key]},
	login: {identities: [keyOf(generateKey())]},
	code: 'ERR_HOST_LOGIN',
	message: /it refused the given private key; it accepts publickey$/,
});
test('tells that there was nothing to offer', isRefused, {
	server: {password: 'secret'},
	login: {},
	code: 'ERR_HOST_LOGIN',
	message: /nothing could be offered; it accepts password$/,
});
test('tells that a passphrase is missing', isRefused, {
	server: {keys: [locked]},
	login: {identities: [keyOf(locked)]},
	code: 'ERR_IDENTITY_LOCKED',
	message: /^The given private key is encrypted, and its passphrase was not given$/,
});
test('tells a wrong passphrase before it connects', isRefused, {
	server: {keys: [locked]},
	login: {identities: [keyOf(locked, 'sesame')]},
	code: 'ERR_IDENTITY',
	message: /the passphrase does not open it$/,
});
test('tells a key file that is not there', isRefused, {
	server: {},
	login: {identities: [{file: '/nonexistent/key'}]},
	code: 'ERR_IDENTITY',
	message: /^The private key \/nonexistent\/key cannot be used: the file does not exist$/,
});
