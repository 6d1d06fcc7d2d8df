import type {ExecutionContext} from 'ava';
import {Secret} from '../../lib/core/secret.js';
import type {HostLogin} from '../../lib/runtime/host/target.js';
import {exec} from '../../lib/runtime/transport/exec.js';
import type {Transport} from '../../lib/runtime/transport/transport.js';
import {sshHome} from '../helpers/ssh-hosts.js';
import {bootHosts, crash, type LabHost, onHost} from '../lab/hosts.js';
import {onLabHosts} from './lab-test.js';

// What sudo, sshd and the kernel really do; how the wrapper deals with it is in test/runtime/transport.
const labTest = onLabHosts(['commands-a']);

function open(t: ExecutionContext, host: LabHost, login: HostLogin = {}): Transport {
	const asOps = {user: 'ops', agent: false, password: new Secret(host.password), ...login} as const;
	return sshHome(t).open({name: host.name, address: host.address, roles: [], login: asOps});
}

/** A rule of sudo for the time of a test. */
function rule(t: ExecutionContext, host: LabHost, ...lines: readonly string[]): void {
	onHost(host.name, 'cat > /etc/sudoers.d/test', `${lines.join('\n')}\n`);
	t.teardown(() => void onHost(host.name, 'rm -f /etc/sudoers.d/test'));
}

labTest('streams, environment and ends are exact under sudo', async (t, [host]) => {
	const transport = open(t, host);
	const bytes = Buffer.from(Array.from({length: 70_000}, (_, index) => index % 256));
	const {stdout, stderr, status} = await exec(transport, ['sh', '-c', 'id -u >&2; printf %s "$A" >&2; cat; exit 7'], {
		env: {A: "it's\nenv"},
		input: bytes,
	});
	t.deepEqual(stdout, bytes);
	t.is(stderr.toString(), "0\nit's\nenv");
	t.deepEqual(status, {code: 7});
	t.deepEqual((await exec(transport, ['sh', '-c', 'kill -KILL $$'])).status, {signal: 'KILL'});
	t.deepEqual((await exec(transport, ['no-such-command'])).status, {code: 127});
});

labTest('the password shows up nowhere on the host, the environment in the command alone', async (t, [host]) => {
	const secret = 'pass-w0rd-of-ops';
	onHost(host.name, `echo ops:${secret} | chpasswd`);
	t.teardown(() => void onHost(host.name, `echo ops:${host.password} | chpasswd`));
	const look = 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ; echo; cat /var/log/*; journalctl -q';
	const {stdout} = await exec(open(t, host, {password: new Secret(secret)}), ['sh', '-c', look], {
		env: {CANARY: 'in-the-environment'},
		maxOutputBytes: 1 << 28,
	});
	const text = stdout.toString('latin1');
	t.false(text.includes(secret));
	t.is(text.split('in-the-environment').length, 2);
	t.true(text.includes('COMMAND='), 'the log of sudo was looked at');
});

labTest('each way in which sudo refuses has its own code', async (t, [host]) => {
	const fails = async (code: string, login: HostLogin): Promise<void> => {
		await t.throwsAsync(exec(open(t, host, login), ['true']), {code});
	};
	await fails('ERR_SUDO_PASSWORD', {sudoPassword: new Secret('wrong')});
	onHost(host.name, 'useradd -m -s /bin/sh plain && echo plain:sealimage | chpasswd');
	await fails('ERR_SUDO_DENIED', {user: 'plain'});
	onHost(host.name, 'usermod -s /usr/sbin/nologin plain');
	await fails('ERR_HOST_SHELL', {user: 'plain'});
	onHost(host.name, 'chmod a-x /usr/bin/sudo; mv /usr/bin/sudo /usr/bin/sudo.away');
	t.teardown(() => void onHost(host.name, 'mv /usr/bin/sudo.away /usr/bin/sudo; chmod 4755 /usr/bin/sudo'));
	await fails('ERR_SUDO_MISSING', {});
	const {keyFile} = host;
	const noPassword: HostLogin = {password: undefined, identities: [{file: keyFile}]};
	onHost(
		host.name,
		'mv /usr/bin/sudo.away /usr/bin/sudo; chmod 4755 /usr/bin/sudo; install -d -o ops -m 700 /home/ops/.ssh; install -o ops -m 600 /root/.ssh/authorized_keys /home/ops/.ssh/',
	);
	await fails('ERR_SUDO_PASSWORD_NEEDED', noPassword);
	rule(t, host, 'ops ALL=(ALL) NOPASSWD: ALL');
	t.is((await exec(open(t, host, noPassword), ['id', '-u'])).stdout.toString(), '0\n');
});

labTest('sudo may want a terminal, speak another language and allow no visible password', async (t, [host]) => {
	rule(
		t,
		host,
		'Defaults requiretty',
		'Defaults passprompt="Passwort für %u: "',
		'Defaults passprompt_override',
		'Defaults !visiblepw',
		'Defaults use_pty',
	);
	onHost(host.name, 'echo LANG=de_DE.UTF-8 > /etc/default/locale');
	const transport = open(t, host);
	const bytes = Buffer.from([3, 4, 10, 13, 26, 28, 255, 0]);
	for (const code of [0, 9]) {
		const {stdout, stderr, status} = await exec(transport, ['sh', '-c', `cat; echo err >&2; exit ${code}`], {
			input: bytes,
		});
		t.deepEqual(stdout, bytes);
		t.is(stderr.toString(), 'err\n');
		t.deepEqual(status, {code});
	}
});

labTest('a terminal works under sudo, and shows neither the password nor the environment', async (t, [host]) => {
	for (const rules of [[], ['Defaults requiretty', 'Defaults use_pty']]) {
		rule(t, host, ...rules);
		const script = 'stty size; id -u; echo "$A"; stty -echo; read -r line; stty size; echo "got $line"';
		const running = await open(t, host).spawn(['sh', '-c', script], {
			terminal: {type: 'vt220', columns: 91, rows: 33},
			env: {A: 'from-env'},
		});
		let text = '';
		running.stdout.on('data', (chunk: Buffer) => {
			if (!text.includes('from-env') && (text + chunk.toString()).includes('from-env')) {
				running.resize(120, 40);
				setTimeout(() => running.stdin.write('typed\r'), 500);
			}
			text += chunk.toString();
		});
		t.deepEqual(await running.exit, {code: 0});
		t.is(text, '33 91\r\n0\r\nfrom-env\r\n40 120\r\ngot typed\r\n');
	}
});

labTest('an abort ends what runs under sudo, and so does the loss of the connection', async (t, [host]) => {
	for (const rules of [[], ['Defaults requiretty']]) {
		rule(t, host, ...rules);
		const stop = new AbortController();
		const running = open(t, host).spawn(['sh', '-c', 'sleep 4711 & echo started; wait'], {signal: stop.signal});
		await started(await running);
		stop.abort(new Error('enough'));
		await t.throwsAsync((await running).exit, {message: 'enough'});
		t.is(sleepers(host), '');
		const second = await open(t, host).spawn(['sh', '-c', 'trap "" HUP TERM; sleep 4711; sleep 4711; echo']);
		for (let tries = 0; sleepers(host) === '' && tries < 50; tries++);
		onHost(host.name, 'pkill -KILL -u ops -f "sshd.*ops@notty"');
		await t.throwsAsync(second.exit, {code: 'ERR_HOST_LOST'});
		for (let tries = 0; sleepers(host) !== '' && tries < 50; tries++);
		t.is(sleepers(host), '');
	}
});

labTest('a command of root ends when the connection is lost, and a power cut is told', async (t, [host]) => {
	const login: HostLogin = {user: 'root', identities: [{file: host.keyFile}]};
	const running = await open(t, host, login).spawn(['sh', '-c', 'echo started; exec sleep 4711']);
	await started(running);
	crash(host.name);
	await bootHosts([host.name]);
	await t.throwsAsync(running.exit, {code: 'ERR_HOST_LOST'});
});

function sleepers(host: LabHost): string {
	return onHost(host.name, 'pgrep -f "^sleep 4711" || sleep 0.2');
}

async function started({stdout}: {readonly stdout: AsyncIterable<Buffer> | NodeJS.ReadableStream}): Promise<void> {
	const reader = stdout as unknown as import('node:stream').Readable;
	await new Promise<void>(resolve => {
		reader.once('data', () => resolve());
	});
}
