import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {exec} from '../../../../lib/runtime/transport/exec.js';
import {fingerprint} from '../../../../lib/runtime/transport/ssh/host-key.js';
import type {HostKeyPolicy} from '../../../../lib/runtime/transport/ssh/options.js';
import {loopback, sshHome} from '../../../helpers/ssh-hosts.js';
import {generateKey, type SshKeyPair, startSshServer} from '../../../helpers/ssh-server.js';

const right = generateKey();
const other = generateKey();
const rsa = generateKey('rsa');

test('writes the key of a new host down, and knows the host by it from then on', async t => {
	const server = await startSshServer(t, {hostKeys: [right]});
	const hosts = sshHome(t);
	await exec(hosts.open(loopback(server)), ['true']);
	const line = `[127.0.0.1]:${server.port} ssh-ed25519 ${right.blob.toString('base64')}\n`;
	t.is(readFileSync(hosts.knownHosts, 'utf8'), line);
	t.deepEqual(hosts.events, [
		{
			type: 'host.key',
			host: 'one',
			algorithm: 'ssh-ed25519',
			fingerprint: fingerprint(right.blob),
			file: hosts.knownHosts,
		},
	]);
	await exec(hosts.open(loopback(server)), ['true']);
	t.is(readFileSync(hosts.knownHosts, 'utf8'), line);
});

test('of several connections to a new host one writes its key down', async t => {
	const server = await startSshServer(t, {hostKeys: [right]});
	const hosts = sshHome(t);
	const transports = Array.from({length: 5}, () => hosts.open(loopback(server)));
	await Promise.all(transports.map(transport => exec(transport, ['true'])));
	t.is(readFileSync(hosts.knownHosts, 'utf8').split('\n').length, 2);
	t.is(hosts.events.length, 1);
});

test('writes the name as a hash where the configuration says so', async t => {
	const server = await startSshServer(t, {hostKeys: [right]});
	const hosts = sshHome(t, {}, {'.ssh/config': 'HashKnownHosts yes\n'});
	await exec(hosts.open(loopback(server)), ['true']);
	t.regex(readFileSync(hosts.knownHosts, 'utf8'), /^\|1\|\S{28}\|\S{28} ssh-ed25519 \S+\n$/);
	const again = sshHome(t, {hostKey: 'strict', knownHostsFiles: [hosts.knownHosts]});
	await t.notThrowsAsync(exec(again.open(loopback(server)), ['true']));
});

test('writes the key down after the last line of a file that lacks its end', async t => {
	const server = await startSshServer(t, {hostKeys: [right]});
	const hosts = sshHome(t, {}, {'.ssh/known_hosts': '# by hand'});
	await exec(hosts.open(loopback(server)), ['true']);
	t.regex(readFileSync(hosts.knownHosts, 'utf8'), /^# by hand\n\[127/);
});

test('the key is written down although the login fails: the host has shown that it is its own', async t => {
	const server = await startSshServer(t, {hostKeys: [right], password: 'secret'});
	const hosts = sshHome(t);
	await t.throwsAsync(exec(hosts.open(loopback(server)), ['true']), {code: 'ERR_HOST_LOGIN'});
	t.regex(readFileSync(hosts.knownHosts, 'utf8'), /^\[127.0.0.1\]/);
});

test('a key that cannot be written down ends the connection', async t => {
	const server = await startSshServer(t, {hostKeys: [right]});
	const hosts = sshHome(t, {knownHostsFiles: ['/proc/version']});
	await t.throwsAsync(exec(hosts.open(loopback(server)), ['true']), {code: 'ERR_KNOWN_HOSTS'});
	t.deepEqual(server.seen.commands, []);
});

interface KnownCase {
	readonly known: string;
	readonly shown?: readonly SshKeyPair[];
	readonly policy?: HostKeyPolicy;
	readonly code?: string;
	readonly message?: RegExp;
}

const judged = test.macro(async (t: ExecutionContext, {known, shown = [right], policy, code, message}: KnownCase) => {
	const server = await startSshServer(t, {hostKeys: shown, password: 'secret'});
	const hosts = sshHome(t, policy === undefined ? {} : {hostKey: policy});
	const text = known.replaceAll('NAME', `[127.0.0.1]:${server.port}`);
	writeFileSync(join(hosts.home, '.ssh', 'known_hosts'), text);
	const running = exec(hosts.open(loopback(server)), ['true']);
	// A host that is taken at its word gets as far as the login.
	await t.throwsAsync(running, {code: code ?? 'ERR_HOST_LOGIN', ...(message === undefined ? {} : {message})});
	t.is(server.seen.attempts.length > 0, code === undefined);
	if (code !== undefined || policy === 'off') t.is(readFileSync(hosts.knownHosts, 'utf8'), text);
});

const line = (key: SshKeyPair): string => key.public.split(' ').slice(0, 2).join(' ');

test('takes a host that shows its known key', judged, {known: `NAME ${line(right)}\n`, policy: 'strict'});
test('takes a host that has several keys and is known by one', judged, {
	known: `NAME ${line(rsa)}\n`,
	shown: [right, rsa],
	policy: 'strict',
});
test('refuses a host that shows another key', judged, {
	known: `NAME ${line(other)}\n`,
	code: 'ERR_HOST_KEY_CHANGED',
	message: /^The host shows the ssh-ed25519 key SHA256:\S+, but it is known by ssh-ed25519 SHA256:\S+ \(\S+:1\)$/,
});
test('refuses a host that shows a key of another type than the known one', judged, {
	known: `NAME ${line(rsa)}\n`,
	code: 'ERR_HOST_KEY_CHANGED',
});
test('takes any key when none is checked', judged, {known: `NAME ${line(other)}\n`, policy: 'off'});
test('refuses a revoked key even when none is checked', judged, {
	known: `@revoked * ${line(right)}\n`,
	policy: 'off',
	code: 'ERR_HOST_KEY_REVOKED',
});
test('refuses a new host when only known ones are allowed', judged, {
	known: `elsewhere ${line(right)}\n`,
	policy: 'strict',
	code: 'ERR_HOST_KEY_UNKNOWN',
	message: /^The host is not in known_hosts; it shows the ssh-ed25519 key SHA256:/,
});
test('refuses a host that only a certificate authority vouches for', judged, {
	known: `@cert-authority * ${line(other)}\n`,
	code: 'ERR_HOST_KEY_AUTHORITY',
});
test('takes a key that is known without a port', judged, {known: `127.0.0.1 ${line(right)}\n`, policy: 'strict'});
