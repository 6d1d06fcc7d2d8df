import {existsSync, readdirSync, statSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {Secret} from '../../../lib/core/secret.js';
import {readPkiFiles, writePkiFiles} from '../../../lib/runtime/control/pki-files.js';
import type {PkiFile} from '../../../lib/runtime/pki/cluster/plan.js';
import {createFakeHost} from '../../../lib/runtime/transport/fake/host.js';
import type {Transport} from '../../../lib/runtime/transport/transport.js';
import {type RootHost, rootHost} from '../../helpers/mirror-root.js';

const [key, certificate] = ['/etc/kubernetes/pki/ca.key', '/etc/kubernetes/pki/ca.crt'];
const work = '/var/lib/sealimage/work';
const files: readonly PkiFile[] = [
	{path: key, mode: '600', content: new Secret('the key\n')},
	{path: certificate, mode: '644', content: 'the certificate\n'},
];

async function read({transport, root}: RootHost, paths: readonly string[] = [key, certificate]): Promise<object> {
	const found = await readPkiFiles(transport, paths, {work, root});
	return Object.fromEntries([...found].map(([path, bytes]) => [path, Buffer.from(bytes).toString()]));
}

const inShell = test.macro(async (t, shell: string) => {
	const host = rootHost(t, {shell: [shell]});
	t.deepEqual(await read(host), {});
	await writePkiFiles(host.transport, files, {work, root: host.root});
	t.deepEqual(await read(host), {[key]: 'the key\n', [certificate]: 'the certificate\n'});
	const mode = (path: string): string => (statSync(join(host.root, path)).mode & 0o777).toString(8);
	t.deepEqual([mode(key), mode(certificate), mode('/etc/kubernetes/pki')], ['600', '644', '755']);
	t.deepEqual(readdirSync(join(host.root, '/etc/kubernetes/pki')).toSorted(), ['ca.crt', 'ca.key']);
	t.false(existsSync(join(host.root, work, 'certificates')), 'nothing waits any more');
	await writePkiFiles(host.transport, [], {work, root: host.root});
});

test('files come with their modes, and are read back (sh)', inShell, 'sh');
test('files come with their modes, and are read back (bash)', inShell, 'bash');

test('files that wait are put into their places by the next who looks', async t => {
	const host = rootHost(t);
	host.write(`${work}/certificates/1`, 'the key\n');
	host.write(`${work}/certificates/2`, 'the certificate\n');
	host.write(`${work}/certificates/list`, `1 600 ${key}\n2 644 ${certificate}\n`);
	// The first of them had its place already when the power went.
	host.write(key, 'the key\n');
	t.deepEqual(await read(host), {[key]: 'the key\n', [certificate]: 'the certificate\n'});
	t.false(existsSync(join(host.root, work, 'certificates')));
});

test('files that broke off on their way are not there', async t => {
	const host = rootHost(t);
	const cut: Transport = {
		...host.transport,
		async spawn(argv, options) {
			const running = await host.transport.spawn(argv, options);
			const end = running.stdin.end.bind(running.stdin);
			running.stdin.write = ((chunk: Buffer) => {
				end(String(chunk).slice(0, -4));
				return true;
			}) as never;
			return running;
		},
	};
	await t.throwsAsync(writePkiFiles(cut, files, {work, root: host.root}), {code: 'ERR_COMMAND_FAILED'});
	t.deepEqual(await read(host), {});
	host.write(`${work}/certificates/coming`, `1 600 ${key}\n`);
	t.deepEqual(await read(host), {}, 'a list that was not whole counts for nothing');
});

test('keys are in no command line', async t => {
	const host = createFakeHost();
	host.on('sh', async call => {
		await call.readInput();
		return '';
	});
	await writePkiFiles(host.transport, files, {work});
	const [call] = host.calls;
	t.false(JSON.stringify([call?.argv, call?.env]).includes(Buffer.from('the key').toString('base64').slice(0, 8)));
});

const refuses = test.macro(async (t, stdout: string) => {
	const host = createFakeHost();
	host.on('sh', {stdout});
	const error = await t.throwsAsync(readPkiFiles(host.transport, [key], {work}), {code: 'ERR_PKI_HOST'});
	t.false(JSON.stringify(error).includes('c2VjcmV0'), 'the answer may hold keys');
});

test('an answer without its end is refused', refuses, `file ${key} c2VjcmV0\n`);
test('a file that was not asked for is refused', refuses, 'file /etc/shadow c2VjcmV0\nend\n');
test('a file that comes twice is refused', refuses, `file ${key} c2VjcmV0\nfile ${key} c2VjcmV0\nend\n`);
test('what is no base64 is refused', refuses, `file ${key} $c2VjcmV0\nend\n`);

test('a file that is too long is a failure', async t => {
	const host = rootHost(t);
	host.write(key, 'x'.repeat(70_000));
	await t.throwsAsync(read(host), {code: 'ERR_COMMAND_FAILED', message: /is too long/});
});
