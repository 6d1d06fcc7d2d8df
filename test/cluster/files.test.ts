import {randomBytes} from 'node:crypto';
import {chmodSync, linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {ExecutionContext} from 'ava';
import {Secret} from '../../lib/core/secret.js';
import type {HostLogin} from '../../lib/runtime/host/target.js';
import {sha256} from '../../lib/runtime/transport/fake/files.js';
import {downloadFile, type UploadSource, uploadFile} from '../../lib/runtime/transport/files.js';
import type {Transport} from '../../lib/runtime/transport/transport.js';
import {downloadTree, uploadTree} from '../../lib/runtime/transport/trees.js';
import {sshHome} from '../helpers/ssh-hosts.js';
import {tempDir} from '../helpers/temp-dir.js';
import {bootHosts, crash, type LabHost, onHost} from '../lab/hosts.js';
import {onLabHosts} from './lab-test.js';

const labTest = onLabHosts(['files-a']);
const megabyte = 1_000_000;
const content = randomBytes(40 * megabyte);

function open(t: ExecutionContext, host: LabHost, login?: HostLogin): Transport {
	const asRoot = {user: 'root', agent: false, identities: [{file: host.keyFile}]} as const;
	return sshHome(t).open({name: host.name, address: host.address, roles: [], login: login ?? asRoot});
}

/** The content, with something done once so many bytes have been given. */
function pausing(atBytes: number, pause: () => Promise<void>): UploadSource {
	return {
		sizeBytes: content.length,
		digest: `sha256:${sha256(content)}`,
		async *read(from) {
			for (let at = from; at < content.length; at += megabyte) {
				if (at <= atBytes && at + megabyte > atBytes) await pause();
				yield content.subarray(at, Math.min(at + megabyte, content.length));
			}
		},
	};
}

labTest('a user without rights is told, and with sudo brings files as root', async (t, [host]) => {
	const transport = open(t, host, {user: 'ops', agent: false, password: new Secret(host.password)});
	await t.throwsAsync(uploadFile(transport, {bytes: Buffer.of(1)}, '/etc/x', {as: 'login'}), {code: 'ERR_PERMISSION'});
	const bytes = content.subarray(0, 2 * megabyte);
	await uploadFile(transport, {bytes}, '/etc/x', {owner: 'ops:root', mode: 0o600});
	t.is(onHost(host.name, 'stat -c "%U:%G %a %s" /etc/x'), `ops:root 600 ${bytes.length}\n`);
	await t.throwsAsync(uploadFile(transport, {bytes: Buffer.of(1)}, '/etc/y', {owner: 'nobody-here'}), {code: 'ERR_IO'});
	const target = join(tempDir(t), 'x');
	await downloadFile(transport, '/etc/x', target);
	t.true(readFileSync(target).equals(bytes));
	t.is(statSync(target).mode & 0o777, 0o600);
});

labTest(
	'after a power cut in the middle of an upload the same upload moves only what is missing',
	async (t, [host]) => {
		let booted: Promise<unknown> | undefined;
		const cut = pausing(34 * megabyte, async () => {
			// The host flushes what has come every few seconds.
			await sleep(8000);
			crash(host.name);
			booted = bootHosts([host.name]);
			await booted;
		});
		await t.throwsAsync(uploadFile(open(t, host), cut, '/srv/big'), {code: 'ERR_HOST_LOST'});
		// The silence of a host may be noticed before it is up again.
		await booted;
		const report = await uploadFile(open(t, host), {bytes: content}, '/srv/big', {mode: 0o640});
		t.log(`sent ${report.sentBytes} of ${report.sizeBytes} bytes`);
		t.true(report.sentBytes < report.sizeBytes);
		t.is(
			onHost(host.name, 'sha256sum < /srv/big; stat -c %a /srv/big; ls -A /srv'),
			`${sha256(content)}  -\n640\nbig\n`,
		);
		t.is((await uploadFile(open(t, host), {bytes: content}, '/srv/big')).sentBytes, 0);
	},
);

labTest('after a power cut in the middle of a folder the same upload moves only what is missing', async (t, [host]) => {
	const folder = tempDir(t);
	for (let index = 0; index < 12; index++) writeFileSync(join(folder, `file${index}`), randomBytes(3 * megabyte));
	let isCut = false;
	const onEvent = (event: {readonly type: string; readonly doneBytes?: number}): void => {
		if (isCut || event.type !== 'blob.progress' || (event.doneBytes ?? 0) < 24 * megabyte) return;
		isCut = true;
		onHost(host.name, 'sync');
		crash(host.name);
	};
	const upload = uploadTree(open(t, host), folder, '/srv/tree', {onEvent});
	while (!isCut) await sleep(100);
	await bootHosts([host.name]);
	await t.throwsAsync(upload, {code: 'ERR_HOST_LOST'});
	const report = await uploadTree(open(t, host), folder, '/srv/tree');
	t.log(`sent ${report.movedBytes} of ${report.sizeBytes} bytes`);
	t.true(report.movedBytes < report.sizeBytes);
	t.is(onHost(host.name, 'ls -A /srv/tree | wc -l; ls -A /srv | grep -v ^big'), '12\ntree\n');
});

labTest('a full disk is told before and during an upload, and nothing is left behind', async (t, [host]) => {
	onHost(
		host.name,
		'mkdir -p /small && mount -t tmpfs -o size=50m tmpfs /small && head -c 20000000 /dev/zero > /small/other',
	);
	const transport = open(t, host);
	await t.throwsAsync(uploadFile(transport, {bytes: content}, '/small/big'), {code: 'ERR_NO_SPACE'});
	t.is(onHost(host.name, 'ls -A /small; rm /small/other'), 'other\n');
	const filled = pausing(20 * megabyte, async () => {
		onHost(host.name, 'head -c 20000000 /dev/zero > /small/other');
	});
	await t.throwsAsync(uploadFile(transport, filled, '/small/big'), {code: 'ERR_NO_SPACE'});
	t.is(onHost(host.name, 'ls -A /small'), 'other\n');
	const folder = tempDir(t);
	writeFileSync(join(folder, 'a'), content);
	await t.throwsAsync(uploadTree(transport, folder, '/small/tree'), {code: 'ERR_NO_SPACE'});
	t.is(onHost(host.name, 'ls -A /small; umount /small'), 'other\n');
});

labTest('a read-only disk is told', async (t, [host]) => {
	onHost(host.name, 'mkdir -p /frozen && mount -t tmpfs -o ro tmpfs /frozen');
	const transport = open(t, host);
	const folder = tempDir(t);
	writeFileSync(join(folder, 'a'), 'a');
	await t.throwsAsync(uploadFile(transport, {bytes: Buffer.of(1)}, '/frozen/x'), {code: 'ERR_READ_ONLY'});
	await t.throwsAsync(uploadTree(transport, folder, '/frozen/x'), {code: 'ERR_READ_ONLY'});
	onHost(host.name, 'umount /frozen');
});

labTest('a folder keeps modes, links and times on the way there and back', async (t, [host]) => {
	const base = tempDir(t);
	const source = join(base, 'source');
	mkdirSync(join(source, 'sub'), {recursive: true});
	writeFileSync(join(source, 'run'), 'run');
	chmodSync(join(source, 'run'), 0o755);
	linkSync(join(source, 'run'), join(source, 'sub/hard'));
	symlinkSync('/etc/hostname', join(source, 'sub/soft'));
	const transport = open(t, host);
	await uploadTree(transport, source, '/srv/links', {owner: 'ops'});
	t.is(
		onHost(host.name, 'cd /srv/links && stat -c "%n %U %a %h %N" run sub/soft'),
		"run ops 755 2 'run'\nsub/soft ops 777 1 'sub/soft' -> '/etc/hostname'\n",
	);
	await downloadTree(transport, '/srv/links', join(base, 'back'));
	t.is(statSync(join(base, 'back/run')).ino, statSync(join(base, 'back/sub/hard')).ino);
});
