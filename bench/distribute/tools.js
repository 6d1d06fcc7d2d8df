import {execFileSync, spawnSync} from 'node:child_process';
import {join} from 'node:path';
import {runQuietly} from '../measure.js';

const image = 'bench:v1';
const cli = ['dist/bin/sealimage.js'];

/** What brings content to hosts: each tool to all hosts at once, as root with a key. */
export function openTools(dir, identity) {
	const sshOptions = ['-q', '-i', identity];
	for (const option of ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null']) sshOptions.push('-o', option);
	const root = ['--root', join(dir, 'store')];
	const login = ['--user', 'root', '--identity', identity, '--no-agent', '--ssh-config', 'none', '--host-key', 'off'];
	const sealimage = args => [process.execPath, ...cli, ...root, '--quiet', ...args];
	const run = argv => execFileSync(argv[0], argv.slice(1), {stdio: ['ignore', 'ignore', 'pipe']});
	const onAll = (hosts, argvOf) => Promise.all(hosts.map(host => runQuietly(argvOf(host))));
	const bring = {
		sealimage: (_, hosts) => runQuietly(sealimage(['distribute', image, '--hosts', hosts.join(','), ...login])),
		scp: ({folder}, hosts) => onAll(hosts, host => ['scp', ...sshOptions, '-r', folder, `root@${host}:/root/bench`]),
		rsync: ({folder}, hosts) =>
			onAll(hosts, host => [
				'rsync',
				'-a',
				'-e',
				['ssh', ...sshOptions].join(' '),
				`${folder}/`,
				`root@${host}:/root/bench/`,
			]),
	};
	return {
		isInstalled: tool => tool === 'sealimage' || spawnSync(tool, ['-h'], {stdio: 'ignore'}).error === undefined,
		bring: (tool, content, hosts) => bring[tool](content, hosts),
		facts: hosts => runQuietly(sealimage(['facts', ...hosts, ...login])),
		build: ({folder}) => run(sealimage(['build', '-t', image, '--no-agent', folder])),
		/** Seconds; once for all measurements, since every host needs it once. */
		installAgent(hosts) {
			const started = performance.now();
			run(sealimage(['agent', 'install', ...hosts, ...login]));
			return (performance.now() - started) / 1000;
		},
		clear(hosts) {
			for (const host of hosts)
				run(['ssh', ...sshOptions, `root@${host}`, 'rm -rf /var/lib/sealimage /root/bench; sync']);
		},
	};
}
