import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {build} from 'esbuild';
import {bootHosts, copyToHost, crash, onHost} from '../lab/hosts.js';
import {putNode} from '../lab/node-on-host.js';
import {onLabHosts} from './lab-test.js';

const hostTest = onLabHosts(['content-a']);
const root = '/var/lib/sealimage';

/** Puts Node and the program of these tests on a host. */
async function prepare(name: string): Promise<void> {
	if (onHost(name, 'ls /opt').includes('content-host.mjs')) return;
	const folder = mkdtempSync(join(tmpdir(), 'sealimage-content-'));
	try {
		await build({
			entryPoints: ['.build/test/fixtures/processes/content-host.js'],
			outfile: join(folder, 'content-host.mjs'),
			...{bundle: true, platform: 'node', format: 'esm', logLevel: 'silent'},
		});
		putNode(name);
		copyToHost(name, join(folder, 'content-host.mjs'), '/opt');
		onHost(name, 'sync');
	} finally {
		rmSync(folder, {recursive: true});
	}
}

function step(name: string, ...args: readonly (string | number)[]): unknown {
	return JSON.parse(onHost(name, ['/opt/node /opt/content-host.mjs', ...args].join(' ')));
}

interface Look {
	readonly damaged: readonly unknown[];
	readonly images: readonly {readonly name: string; readonly path: string}[];
}

hostTest('a power cut at any moment leaves content that is whole, and the next run completes', async (t, [host]) => {
	const {name} = host;
	await prepare(name);
	for (let round = 0; round < 6; round++) {
		onHost(name, `setsid /opt/node /opt/content-host.mjs forever ${root} ${round} > /dev/null 2>&1 < /dev/null &`);
		await sleep(700 + round * 350 + Math.random() * 700);
		crash(name);
		await bootHosts([name]);
		const {damaged, images} = step(name, 'look', root) as Look;
		t.deepEqual(damaged, [], `round ${round}`);
		for (const image of images)
			t.is(
				onHost(name, `stat -c %s ${image.path}/bin/tool; cat ${image.path}/etc/*-7`).trim(),
				`600000\n${image.name.slice(-1)} 7`,
			);
		const made = step(name, 'install', root, round % 3) as {path?: string};
		t.regex(made.path ?? JSON.stringify(made), /\/trees\/sha256\//);
	}
});

hostTest('what was reported as unpacked is there after a power cut, and nothing is sent again', async (t, [host]) => {
	const {name} = host;
	await prepare(name);
	// The second time the journal has been written meanwhile: without a flush it shows files whose bytes are lost.
	for (const waitMs of [0, 6000]) {
		onHost(name, `rm -rf ${root}; sync`);
		step(name, 'install', root, 1);
		await sleep(waitMs);
		crash(name);
		await bootHosts([name]);
		const {images, damaged} = step(name, 'look', root) as Look;
		t.deepEqual(
			images.map(image => image.name),
			['image-1'],
		);
		t.deepEqual(damaged, []);
		const {before, unpacked} = step(name, 'install', root, 1) as {before: string[]; unpacked: number};
		t.deepEqual({before, unpacked}, {before: ['unpacked', 'unpacked', 'unpacked'], unpacked: 0});
	}
});

hostTest('after a power cut parts that reached the disk stay, others are sent again', async (t, [host]) => {
	const {name} = host;
	await prepare(name);
	onHost(name, `rm -rf ${root}; sync`);
	t.deepEqual(step(name, 'parts', root, 0), {sent: [0, 1, 2]});
	crash(name);
	await bootHosts([name]);
	// Nothing was flushed: whatever the disk kept of it is read before it is believed.
	const {sent} = step(name, 'parts', root, 0) as {sent: number[]};
	t.is(sent.at(-1), 2);
	onHost(name, 'sync');
	crash(name);
	await bootHosts([name]);
	t.deepEqual(step(name, 'parts', root, 1), {sent: [2]});
	onHost(name, 'sync');
	crash(name);
	await bootHosts([name]);
	t.deepEqual(step(name, 'parts', root, 1), {sent: []});
	t.deepEqual((step(name, 'look', root) as Look).damaged, []);
});

hostTest('a full disk is told before or while it fills, and leaves nothing behind', async (t, [host]) => {
	const {name} = host;
	await prepare(name);
	const used = (): string => onHost(name, 'df --output=used /small | tail -1; find /small/content -type f | wc -l');
	const mount = (sizeMiB: number): void =>
		void onHost(name, `mkdir -p /small; umount /small 2> /dev/null; mount -t tmpfs -o size=${sizeMiB}M none /small`);
	mount(30);
	t.regex(
		String(step(name, 'big', '/small/content')),
		/^ERR_NO_SPACE: The disk of \/small\/content is too small for the blob .*: it needs 41\.9 MB, /,
	);
	t.is(onHost(name, 'ls /small/content/partial'), '');
	// Room for the blob, but not for what is in it.
	mount(60);
	t.regex(String(step(name, 'big', '/small/content')), /^ERR_NO_SPACE: /);
	t.is(
		onHost(
			name,
			'ls /small/content/layers/sha256 /small/content/trees/sha256 /small/content/tmp/*/ | grep -c "^[0-9a-z]" || true',
		).trim(),
		'0',
	);
	const before = used();
	t.regex(String(step(name, 'big', '/small/content')), /^ERR_NO_SPACE: /);
	t.is(used(), before);
	onHost(name, 'mount -o remount,size=200M /small');
	t.regex((step(name, 'big', '/small/content') as {path: string}).path, /^\/small\/content\/trees\//);
	onHost(name, 'mount -o remount,ro /small');
	t.regex(String(step(name, 'install', '/small/content', 0)), /^ERR_READ_ONLY: /);
	onHost(name, 'umount /small');
});
