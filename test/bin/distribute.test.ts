import {createServer} from 'node:net';
import test from 'ava';
import {cliIn} from '../helpers/run-cli.js';
import {writeFiles} from '../helpers/temp-dir.js';

test('distribute names what is missing: an image, hosts, a store that has it', async t => {
	const cli = cliIn(t);
	t.like(await cli.run(['distribute']), {exitCode: 2});
	const noHosts = await cli.run(['distribute', 'demo:v1']);
	t.is(noHosts.exitCode, 2);
	t.regex(noHosts.stderr, /No host was named.*\[ERR_HOSTS_MISSING\]/s);
	const noImage = await cli.run(['distribute', 'demo:v1', '--hosts', '127.0.0.1']);
	t.is(noImage.exitCode, 1);
	t.regex(noImage.stderr, /ERR_IMAGE_UNKNOWN/);
});

test('distribute tells of hosts that cannot be reached in one table, also in a dry run', async t => {
	const cli = cliIn(t);
	writeFiles(cli.dir, {'context/file': 'x', 'context/Sealfile': 'FROM scratch\nCOPY file /etc/file\n'});
	await cli.ok('build', '-t', 'demo:v1', '--no-agent', 'context');
	// A port that nobody listens on any more.
	const server = createServer().listen(0, '127.0.0.1');
	await new Promise(resolve => server.once('listening', resolve));
	const {port} = server.address() as {port: number};
	await new Promise(resolve => server.close(resolve));
	const hosts = ['--hosts', `127.0.0.1:${port},127.0.0.2:${port}`, '--ssh-config', 'none', '--no-agent'];
	for (const extra of [[], ['--dry-run']]) {
		const {exitCode, stderr} = await cli.run(['distribute', 'demo:v1', ...hosts, ...extra]);
		t.is(exitCode, 1);
		t.regex(stderr, /^127\.0\.0\.1 .*ERR_HOST_UNREACHABLE/m);
		t.regex(stderr, /failed on 2 of 2 hosts/);
	}
	const json = JSON.parse((await cli.run(['--output', 'json', 'distribute', 'demo:v1', ...hosts])).stdout) as unknown;
	t.like(json, {sentBytes: 0, hosts: [{host: '127.0.0.1', ok: false, error: {code: 'ERR_HOST_UNREACHABLE'}}]});
});
