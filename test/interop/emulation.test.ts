import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {arm64Program} from './arm64-program.js';
import {peerTest} from './peer-test.js';
import {sealimageIn} from './sealimage.js';

peerTest(
	'RUN executes programs of another architecture through qemu',
	['qemu-aarch64-static', 'runc'],
	async (t, home) => {
		if (process.arch === 'arm64' || !registerQemu(t)) {
			t.log('skipped: binfmt_misc (needs amd64 and a kernel that lets us register qemu)');
			t.pass();
			return;
		}
		const context = join(home, 'context');
		mkdirSync(context);
		writeFileSync(join(context, 'make'), arm64Program('/made', 'by arm64\n'));
		writeFileSync(join(context, 'Sealfile'), 'FROM scratch\nCOPY --chmod=755 make /bin/make\nRUN ["/bin/make"]\n');
		const sealimage = sealimageIn(home);
		await sealimage('build', '--platform', 'linux/arm64', '--tag', 'emulated:1', context);
		await sealimage('create', '--platform', 'linux/arm64', 'emulated:1', join(home, 'tree'));
		t.is(readFileSync(join(home, 'tree/made'), 'utf8'), 'by arm64\n');
	},
);

const folder = '/proc/sys/fs/binfmt_misc';

/** What the package qemu-user-binfmt registers at boot. Ends with the test; what was there already stays. */
function registerQemu(t: ExecutionContext): boolean {
	if (!existsSync(join(folder, 'register'))) {
		if (spawnSync('mount', ['-t', 'binfmt_misc', 'none', folder]).status !== 0) return false;
		t.teardown(() => spawnSync('umount', [folder]));
	}
	const name = 'qemu-aarch64';
	if (existsSync(join(folder, name))) return true;
	const magic = '\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00';
	const mask = '\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff';
	try {
		writeFileSync(join(folder, 'register'), `:${name}:M::${magic}:${mask}:/usr/bin/qemu-aarch64-static:F`);
	} catch {
		return false;
	}
	t.teardown(() => writeFileSync(join(folder, name), '-1'));
	return true;
}
