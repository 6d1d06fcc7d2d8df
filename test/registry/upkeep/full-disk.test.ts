import {execFileSync} from 'node:child_process';
import {join} from 'node:path';
import test from 'ava';
import {verifyRegistry} from '../../../lib/registry/upkeep/verify.js';
import {openTestRegistry, type StorageKind, storageKinds} from '../../helpers/inventories.js';
import {pushImage, uploadBlob} from '../../helpers/storage-content.js';

const program = join(process.cwd(), '.build/test/fixtures/processes/registry-limited.js');

/** A limit on the size of files (in KiB) fails writes as a full disk does, without one. */
function runWithRoomFor(kibibytes: number, kind: StorageKind, root: string, work: string): string {
	const script = `ulimit -f ${kibibytes}; trap "" XFSZ; exec "$0" "$@"`;
	return execFileSync('sh', ['-c', script, process.execPath, program, kind, root, work], {encoding: 'utf8'}).trim();
}

for (const kind of storageKinds) {
	test(`${kind}: a disk that fills up loses nothing that was acknowledged, and takes pushes again when there is room`, async t => {
		const registry = await openTestRegistry(t, kind);
		const {root, storage, inventory} = registry;
		const before = await pushImage(storage, 'app', ['v1'], ['before']);
		for (const room of [0, 1, 64]) t.regex(runWithRoomFor(room, kind, root, 'push'), /^ERR_NO_SPACE: Cannot /);
		t.deepEqual(await storage.tags('app', {}), ['v1']);
		t.is(await storage.tag('app', 'v1'), before.digest);
		t.deepEqual((await verifyRegistry(inventory)).findings, []);
		t.regex(runWithRoomFor(4096, kind, root, 'push'), /^sha256:/);
		t.deepEqual(await storage.tags('app', {}), ['new', 'v1']);
		await storage.uploads.sweep(0);
		t.is(await storage.uploads.count(), 0);
	});

	test(`${kind}: a full disk can be swept`, async t => {
		const {root, storage, inventory, age} = await openTestRegistry(t, kind);
		await pushImage(storage, 'app', ['v1', 'gone'], ['kept']);
		const lost = await uploadBlob(storage, 'app', 'lost');
		age();
		t.is(runWithRoomFor(0, kind, root, 'collect'), lost.digest);
		if (kind === 'stock folder') t.is(runWithRoomFor(0, kind, root, 'delete'), 'true');
		t.deepEqual((await verifyRegistry(inventory)).findings, []);
		t.is(runWithRoomFor(0, kind, root, 'collect'), '', 'the lock was let go of');
	});
}
