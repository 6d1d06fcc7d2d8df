import {execFileSync, spawn} from 'node:child_process';
import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {ExecutionContext} from 'ava';
import {Secret} from '../../lib/core/secret.js';
import type {HostLogin} from '../../lib/runtime/host/target.js';
import {exec} from '../../lib/runtime/transport/exec.js';
import type {Transport} from '../../lib/runtime/transport/transport.js';
import {type SshHome, sshHome} from '../helpers/ssh-hosts.js';
import {tempDir} from '../helpers/temp-dir.js';
import {bootHosts, crash, type LabHost, onHost} from '../lab/hosts.js';
import {onLabHosts} from './lab-test.js';

const labTest = onLabHosts(['ssh-a', 'ssh-b']);

function open(hosts: SshHome, host: LabHost, login: HostLogin, address: string = host.address): Transport {
	return hosts.open({name: host.name, address, roles: [], login: {user: 'root', agent: false, ...login}});
}

async function whoRuns(transport: Transport): Promise<string> {
	const {stdout} = await exec(transport, ['sh', '-c', 'echo "$(id -un) on $(hostname)"']);
	return stdout.toString().trim();
}

/** A key that opens the host, made for one test. */
function makeKey(t: ExecutionContext, host: LabHost, passphrase: string): string {
	const file = join(tempDir(t), 'id');
	execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', file]);
	onHost(host.name, 'cat >> /root/.ssh/authorized_keys', readFileSync(`${file}.pub`, 'utf8'));
	return file;
}

labTest('lets in with a password, a key and a passphrase, over IPv4 and IPv6', async (t, [host]) => {
	const hosts = sshHome(t);
	const password = new Secret(host.password);
	const locked = makeKey(t, host, 'open sesame');
	const logins: readonly HostLogin[] = [
		{password},
		{identities: [{file: host.keyFile}]},
		{identities: [{file: locked}], passphrase: new Secret('open sesame')},
	];
	for (const login of logins) t.is(await whoRuns(open(hosts, host, login)), `root on ${host.name}`);
	t.is(await whoRuns(open(hosts, host, {password}, host.address6)), `root on ${host.name}`);
	await t.throwsAsync(whoRuns(open(hosts, host, {password: new Secret('wrong')})), {code: 'ERR_HOST_PASSWORD'});
	await t.throwsAsync(whoRuns(open(hosts, host, {user: 'nobody-here', password})), {code: 'ERR_HOST_PASSWORD'});
	await t.throwsAsync(whoRuns(open(hosts, host, {identities: [{file: locked}]})), {code: 'ERR_IDENTITY_LOCKED'});
});

labTest('lets in with an agent', async (t, [host]) => {
	const socket = join(tempDir(t), 'agent');
	const agent = spawn('ssh-agent', ['-D', '-a', socket], {stdio: 'ignore'});
	t.teardown(() => agent.kill());
	while (!existsSync(socket)) await sleep(20);
	execFileSync('ssh-add', ['-q', makeKey(t, host, '')], {env: {...process.env, SSH_AUTH_SOCK: socket}});
	t.is(await whoRuns(open(sshHome(t), host, {agent: socket})), `root on ${host.name}`);
});

labTest('a user of sudo becomes root, and says so when the password is wrong', async (t, [host]) => {
	const hosts = sshHome(t);
	const password = new Secret(host.password);
	const transport = open(hosts, host, {user: 'ops', password});
	t.is(await whoRuns(transport), `root on ${host.name}`);
	t.is((await exec(transport, ['id', '-un'], {as: 'login'})).stdout.toString(), 'ops\n');
	const wrong = open(hosts, host, {user: 'ops', password, sudoPassword: new Secret('wrong')});
	await t.throwsAsync(whoRuns(wrong), {code: 'ERR_SUDO_PASSWORD'});
});

labTest('goes through one host to another that only this one can reach', async (t, [jump, host]) => {
	const hosts = sshHome(t);
	const inner = {[jump.name]: '192.168.77.1', [host.name]: '192.168.77.2'};
	for (const {name, address} of [jump, host]) {
		onHost(name, `ip address add ${inner[name]}/24 dev $(ip -o -4 address show to ${address} | cut -d' ' -f2)`);
	}
	const login = {identities: [{file: host.keyFile}]};
	await t.throwsAsync(whoRuns(open(hosts, host, login, inner[host.name])), {code: 'ERR_HOST_UNREACHABLE'});
	const through = open(hosts, host, {...login, jumps: [`root@${jump.address}`]}, inner[host.name]);
	t.is(await whoRuns(through), `root on ${host.name}`);
	t.is((await exec(through, ['sh', '-c', 'echo $SSH_CONNECTION'])).stdout.toString().split(' ')[0], inner[jump.name]);
});

labTest('a host whose key changed is refused until known_hosts says so', async (t, [host]) => {
	const hosts = sshHome(t);
	const login = {identities: [{file: host.keyFile}]};
	t.is(await whoRuns(open(hosts, host, login)), `root on ${host.name}`);
	onHost(host.name, 'rm /etc/ssh/ssh_host_* && ssh-keygen -q -A && systemctl restart ssh');
	const error = await t.throwsAsync(whoRuns(open(hosts, host, login)), {code: 'ERR_HOST_KEY_CHANGED'});
	t.regex(error.message, /^The host shows the ssh-ed25519 key SHA256:\S+, but it is known by ssh-ed25519 SHA256:/);
	execFileSync('ssh-keygen', ['-q', '-R', host.address, '-f', hosts.knownHosts], {stdio: 'ignore'});
	t.is(await whoRuns(open(sshHome(t, {knownHostsFiles: [hosts.knownHosts]}), host, login)), `root on ${host.name}`);
});

labTest('a power cut ends what runs, and the host is reached again once it is up', async (t, [, host]) => {
	const hosts = sshHome(t, {silenceTimeoutMs: 4000});
	const transport = open(hosts, host, {identities: [{file: host.keyFile}]});
	const running = await transport.spawn(['sh', '-c', 'echo begun; sleep 1000']);
	running.stderr.resume();
	await new Promise(resolve => running.stdout.once('data', resolve));
	running.stdout.resume();
	crash(host.name);
	await t.throwsAsync(running.exit, {code: 'ERR_HOST_LOST', message: 'The host fell silent'});
	const again = bootHosts([host.name]);
	t.is(await retried(() => whoRuns(transport)), `root on ${host.name}`);
	await again;
});

/** While a host boots it cannot be reached; the transport itself tries five times. */
async function retried(work: () => Promise<string>): Promise<string> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await work();
		} catch (error) {
			if (attempt === 10) throw error;
		}
	}
}
