import {randomBytes} from 'node:crypto';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {ExecutionContext} from 'ava';
import {Secret} from '../../lib/core/secret.js';
import type {HostLogin} from '../../lib/runtime/host/target.js';
import {exec} from '../../lib/runtime/transport/exec.js';
import {isRunning} from '../helpers/running.js';
import {sshHome} from '../helpers/ssh-hosts.js';
import {peerTest} from './peer-test.js';
import {run, startServer, untilTrue} from './peers.js';
import {allowKey, makeKey, type Sshd, startSshd} from './sshd.js';

const peers = ['sshd', 'ssh-keygen'] as const;

async function logsIn(t: ExecutionContext, sshd: Sshd, login: HostLogin): Promise<void> {
	const transport = sshHome(t).open(sshd.target(login));
	t.is((await exec(transport, ['echo', 'in'])).stdout.toString(), 'in\n');
}

const keys: ReadonlyArray<readonly [string, readonly string[], string]> = [
	['Ed25519', ['-t', 'ed25519'], ''],
	['ECDSA', ['-t', 'ecdsa', '-b', '384'], ''],
	['RSA', ['-t', 'rsa', '-b', '3072'], ''],
	['RSA in PEM', ['-t', 'rsa', '-b', '2048', '-m', 'PEM'], ''],
	['ECDSA in PEM', ['-t', 'ecdsa', '-b', '256', '-m', 'PEM'], ''],
	['RSA in PKCS#8', ['-t', 'rsa', '-b', '2048', '-m', 'PKCS8'], ''],
	['encrypted Ed25519', ['-t', 'ed25519'], 'open sesame'],
	['encrypted RSA in PEM', ['-t', 'rsa', '-b', '2048', '-m', 'PEM'], 'open sesame'],
	['encrypted RSA in PKCS#8', ['-t', 'rsa', '-b', '2048', '-m', 'PKCS8'], 'open sesame'],
];
for (const [name, args, passphrase] of keys) {
	peerTest(`logs in to OpenSSH with a key of ssh-keygen: ${name}`, peers, async (t, scratch) => {
		const sshd = await startSshd(t, scratch);
		const file = join(scratch, 'key');
		await makeKey(file, args, passphrase);
		allowKey(sshd, `${file}.pub`);
		await logsIn(t, sshd, {
			identities: [{file}],
			...(passphrase === '' ? {} : {passphrase: new Secret(passphrase)}),
		});
	});
}

peerTest('logs in with an Ed25519 key in PKCS#8 of OpenSSL', [...peers, 'openssl'], async (t, scratch) => {
	const sshd = await startSshd(t, scratch);
	const file = join(scratch, 'key');
	await run(['openssl', 'genpkey', '-algorithm', 'ed25519', '-out', file]);
	await run(['chmod', '600', file]);
	const {createPublicKey} = await import('node:crypto');
	const {x = ''} = createPublicKey(readFileSync(file)).export({format: 'jwk'});
	const blob = Buffer.concat([Buffer.from('\0\0\0\x0bssh-ed25519\0\0\0\x20', 'latin1'), Buffer.from(x, 'base64url')]);
	writeFileSync(`${file}.pub`, `ssh-ed25519 ${blob.toString('base64')}\n`);
	allowKey(sshd, `${file}.pub`);
	await logsIn(t, sshd, {identities: [{file}]});
});

async function startAgent(t: ExecutionContext, scratch: string): Promise<(...files: string[]) => Promise<string>> {
	const socket = join(scratch, 'agent');
	startServer(t, ['ssh-agent', '-D', '-a', socket]);
	await untilTrue(async () => (await run(['test', '-S', socket])) === '', 'ssh-agent');
	return async (...files) => {
		for (const file of files) await run(['ssh-add', '-q', file], {env: {SSH_AUTH_SOCK: socket}});
		return socket;
	};
}

peerTest('logs in with the keys of an agent, of each type', [...peers, 'ssh-agent'], async (t, scratch) => {
	for (const type of ['ed25519', 'ecdsa', 'rsa']) {
		const folder = join(scratch, type);
		mkdirSync(folder);
		const sshd = await startSshd(t, folder);
		const add = await startAgent(t, folder);
		const [other, key] = [join(folder, 'other'), join(folder, 'key')];
		await makeKey(other, ['-t', 'ed25519']);
		await makeKey(key, ['-t', type]);
		allowKey(sshd, `${key}.pub`);
		await logsIn(t, sshd, {agent: await add(other, key), identities: undefined});
	}
});

peerTest(
	'an agent signs for an encrypted key whose passphrase is not given',
	[...peers, 'ssh-agent'],
	async (t, scratch) => {
		const sshd = await startSshd(t, scratch, ['MaxAuthTries 2']);
		const add = await startAgent(t, scratch);
		const others = ['a', 'b', 'c'].map(name => join(scratch, name));
		for (const file of others) await makeKey(file, ['-t', 'ed25519']);
		const file = join(scratch, 'locked');
		await makeKey(file, ['-t', 'ed25519']);
		allowKey(sshd, `${file}.pub`);
		const agent = await add(...others, file);
		await run(['ssh-keygen', '-q', '-p', '-P', '', '-N', 'open sesame', '-f', file]);
		await logsIn(t, sshd, {agent, identities: [{file}]});
	},
);

peerTest('gives a key and then another to a host that wants two', [...peers, 'ssh-agent'], async (t, scratch) => {
	const sshd = await startSshd(t, scratch, ['AuthenticationMethods publickey,publickey']);
	const add = await startAgent(t, scratch);
	const file = join(scratch, 'second');
	await makeKey(file, ['-t', 'ecdsa']);
	allowKey(sshd, `${file}.pub`);
	await logsIn(t, sshd, {identities: [{file: sshd.key}, {file}]});
	await logsIn(t, sshd, {identities: [{file: sshd.key}], agent: await add(file)});
});

peerTest('says that the keys were refused when the host hangs up after too many', peers, async (t, scratch) => {
	const sshd = await startSshd(t, scratch, ['MaxAuthTries 2']);
	const identities = ['a', 'b', 'c', 'd'].map(name => ({file: join(scratch, name)}));
	for (const {file} of identities) await makeKey(file, ['-t', 'ed25519']);
	const transport = sshHome(t).open(sshd.target({identities}));
	await t.throwsAsync(exec(transport, ['true']), {
		code: 'ERR_HOST_LOGIN',
		message: /^The host does not let the user "root" in/,
	});
});

peerTest('bytes stay what they are while keys are exchanged anew', peers, async (t, scratch) => {
	const sshd = await startSshd(t, scratch, ['RekeyLimit 1M']);
	const transport = sshHome(t).open(sshd.target());
	const input = randomBytes(12 << 20);
	const {stdout, status} = await exec(transport, ['cat'], {input, maxOutputBytes: 13 << 20});
	t.true(stdout.equals(input));
	t.deepEqual(status, {code: 0});
});

peerTest('runs no more at once than MaxSessions, and all in the end', peers, async (t, scratch) => {
	const sshd = await startSshd(t, scratch, ['MaxSessions 2']);
	const transport = sshHome(t).open(sshd.target());
	const results = await Promise.all(
		Array.from(
			{length: 20},
			async (_, index) => await exec(transport, ['sh', '-c', 'sleep 0.02; echo $1', 'x', `${index}`]),
		),
	);
	t.deepEqual(
		results.map(({stdout}) => Number(stdout)),
		Array.from({length: 20}, (_, index) => index),
	);
});

peerTest('an abort gets through when MaxSessions leaves no place', peers, async (t, scratch) => {
	const sshd = await startSshd(t, scratch, ['MaxSessions 1']);
	const transport = sshHome(t).open(sshd.target());
	const abort = new AbortController();
	const mark = `4${randomBytes(3).readUIntBE(0, 3)}`;
	const running = exec(transport, ['sleep', mark], {signal: abort.signal});
	await untilTrue(() => Promise.resolve(isRunning(['sleep', mark])), 'sleep');
	abort.abort(new Error('enough'));
	await t.throwsAsync(running, {message: 'enough'});
	t.false(isRunning(['sleep', mark]));
});

peerTest('gets in to a host that drops new connections when many come at once', peers, async (t, scratch) => {
	const sshd = await startSshd(t, scratch, ['MaxStartups 2:100:2']);
	const hosts = sshHome(t);
	const transports = Array.from({length: 8}, () => hosts.open(sshd.target()));
	const results = await Promise.all(transports.map(transport => exec(transport, ['echo', 'in'])));
	t.is(results.filter(({stdout}) => stdout.toString() === 'in\n').length, 8);
});

peerTest('OpenSSH knows the host by the line that was written', [...peers, 'ssh'], async (t, scratch) => {
	const sshd = await startSshd(t, scratch);
	for (const config of ['', 'HashKnownHosts yes\n']) {
		const hosts = sshHome(t, {}, {'.ssh/config': config});
		await exec(hosts.open(sshd.target()), ['true']);
		const known = `UserKnownHostsFile=${hosts.knownHosts}`;
		const options = [
			'-F',
			'none',
			'-i',
			sshd.key,
			'-p',
			`${sshd.port}`,
			'-o',
			known,
			'-o',
			'StrictHostKeyChecking=yes',
		];
		t.is(await run(['ssh', ...options, 'root@127.0.0.1', 'echo in']), 'in\n');
	}
});

peerTest('a host that shows another key than OpenSSH wrote down is refused', peers, async (t, scratch) => {
	const sshd = await startSshd(t, scratch);
	const hosts = sshHome(t);
	writeFileSync(hosts.knownHosts, `[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n`);
	await run(['ssh-keygen', '-q', '-H', '-f', hosts.knownHosts]);
	t.is((await exec(hosts.open(sshd.target()), ['echo', 'in'])).stdout.toString(), 'in\n');
	const other = await startSshd(t, scratch);
	writeFileSync(hosts.knownHosts, `[127.0.0.1]:${other.port} ${sshd.hostKey}\n`);
	await run(['ssh-keygen', '-q', '-H', '-f', hosts.knownHosts]);
	const changed = sshHome(t, {knownHostsFiles: [hosts.knownHosts]}).open(other.target());
	await t.throwsAsync(exec(changed, ['true']), {code: 'ERR_HOST_KEY_CHANGED'});
});

peerTest('goes through a jump host that is OpenSSH, and tells one that forbids it', peers, async (t, scratch) => {
	const [jump, closed, host] = [
		await startSshd(t, scratch),
		await startSshd(t, scratch, ['AllowTcpForwarding no']),
		await startSshd(t, scratch),
	];
	const through = (by: Sshd): HostLogin => ({
		identities: [{file: host.key}, {file: by.key}],
		jumps: [`root@127.0.0.1:${by.port}`],
	});
	const input = randomBytes(4 << 20);
	const transport = sshHome(t).open(host.target(through(jump)));
	t.true((await exec(transport, ['cat'], {input})).stdout.equals(input));
	await t.throwsAsync(exec(sshHome(t).open(host.target(through(closed))), ['true']), {code: 'ERR_HOST_FORWARD'});
	const nowhere = {...host.target(through(jump)), login: {...host.target(through(jump)).login, port: 1}};
	await t.throwsAsync(exec(sshHome(t).open(nowhere), ['true']), {
		code: 'ERR_HOST_UNREACHABLE',
		message: /^The jump host/,
	});
});

peerTest('gives a command a terminal of the wanted size, and tells it a new one', peers, async (t, scratch) => {
	const sshd = await startSshd(t, scratch);
	const transport = sshHome(t).open(sshd.target());
	const terminal = {type: 'vt100', columns: 91, rows: 37};
	const running = await transport.spawn(['sh', '-c', 'stty size; echo $TERM; read line; stty size'], {terminal});
	let text = '';
	running.stdout.on('data', (chunk: Buffer) => {
		text += chunk.toString();
	});
	await untilTrue(() => Promise.resolve(text.includes('vt100')), 'the terminal');
	running.resize(40, 20);
	await sleep(100);
	running.stdin.write('\n');
	t.deepEqual(await running.exit, {code: 0});
	t.regex(text, /37 91\r\nvt100\r\n[\s\S]*20 40\r\n/);
});
