import {chmodSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {changeEntries, compareSnapshots, withOtherNames} from '../../../lib/sealfile/run/changes.js';
import {takeSnapshot} from '../../../lib/sealfile/run/snapshot.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

interface Seen {
	readonly suspects: readonly string[];
	readonly entries: readonly string[];
}

/** What a command that does `change` would leave in a layer; suspects count as unchanged. */
async function changesOf(t: ExecutionContext, change: (root: string) => void | Promise<void>): Promise<Seen> {
	const root = tempDir(t);
	writeFiles(root, {
		'bin/tool': 'tool',
		'etc/a': 'a',
		'etc/b': 'b',
		'etc/deep/c': 'c',
		'etc/link': '-> a',
		'var/log/x': 'x',
	});
	linkSync(join(root, 'bin/tool'), join(root, 'bin/alias'));
	const before = await takeSnapshot(root);
	await sleep(30);
	await change(root);
	const after = await takeSnapshot(root);
	const {changed, suspects, removed} = compareSnapshots(before, after);
	const all = withOtherNames(new Set(changed), after);
	const context = {rootDir: root, before, after, xattrs: new Map(), known: () => undefined};
	const entries = changeEntries(all, removed, context).map(({header, content}) => {
		const link = header.linkname === undefined ? '' : ` ${header.linkname}`;
		return `${header.type} ${header.path}${link}${content === undefined ? '' : ' +'}`;
	});
	return {suspects, entries};
}

test('a command that changes nothing leaves nothing', async t => {
	t.deepEqual(await changesOf(t, () => undefined), {suspects: [], entries: []});
});

test('a new file brings its folder, a removed one a whiteout before its siblings', async t => {
	const {entries} = await changesOf(t, root => {
		writeFileSync(join(root, 'etc/Z'), 'new');
		rmSync(join(root, 'etc/a'));
	});
	t.deepEqual(entries, ['directory etc', 'file etc/.wh.a', 'file etc/Z +']);
});

test('a removed folder is one whiteout', async t => {
	const {entries} = await changesOf(t, root => rmSync(join(root, 'etc'), {recursive: true}));
	t.deepEqual(entries, ['directory ', 'file .wh.etc']);
});

test('a folder that is replaced by a file needs no whiteout, one that is made anew hides what it held', async t => {
	const {entries} = await changesOf(t, root => {
		rmSync(join(root, 'etc/deep'), {recursive: true});
		writeFileSync(join(root, 'etc/deep'), 'file now');
		rmSync(join(root, 'var/log'), {recursive: true});
		mkdirSync(join(root, 'var/log'));
		writeFileSync(join(root, 'var/log/y'), 'y');
	});
	t.deepEqual(entries, [
		'directory etc',
		'file etc/deep +',
		'directory var',
		'directory var/log',
		'file var/log/.wh.x',
		'file var/log/y +',
	]);
});

test('a changed mode, a setuid bit and a changed link are changes', async t => {
	const {entries} = await changesOf(t, root => {
		chmodSync(join(root, 'etc/b'), 0o4755);
		rmSync(join(root, 'etc/link'));
		symlinkSync('b', join(root, 'etc/link'));
	});
	t.deepEqual(entries, ['directory etc', 'file etc/b +', 'symlink etc/link b']);
});

test('what is only touched is suspected, not reported', async t => {
	const {entries, suspects} = await changesOf(t, root => {
		chmodSync(join(root, 'etc/b'), 0o700);
		chmodSync(join(root, 'etc/b'), 0o644);
	});
	t.deepEqual({entries, suspects}, {entries: [], suspects: ['etc/b']});
});

test('all names of a hard-linked file come together', async t => {
	const {entries} = await changesOf(t, root => writeFileSync(join(root, 'bin/tool'), 'better tool'));
	t.deepEqual(entries, ['file bin/alias +', 'hardlink bin/tool bin/alias']);
});

test('a new name of an old file brings the old ones with it', async t => {
	const {entries} = await changesOf(t, root => linkSync(join(root, 'etc/a'), join(root, 'var/same')));
	t.deepEqual(entries, ['file etc/a +', 'directory var', 'hardlink var/same etc/a']);
});

test('a moved folder is a whiteout and new names', async t => {
	const {entries} = await changesOf(t, root => renameSync(join(root, 'etc/deep'), join(root, 'deep')));
	t.deepEqual(entries, ['directory ', 'directory deep', 'file deep/c +', 'directory etc', 'file etc/.wh.deep']);
});

test('sockets are left out', async t => {
	const {entries} = await changesOf(t, async root => {
		const server = createServer();
		await new Promise<void>(resolve => server.listen(join(root, 'var/s'), resolve));
		t.teardown(() => server.close());
	});
	t.deepEqual(entries, ['directory var']);
});

test('a file with the name of a whiteout is refused', async t => {
	await t.throwsAsync(
		changesOf(t, root => writeFileSync(join(root, 'etc/.wh.a'), '')),
		{message: 'The command made "/etc/.wh.a", a name that layers use for removed files'},
	);
});

test('names are ordered by their bytes, and names that are not UTF-8 keep theirs', async t => {
	const {entries} = await changesOf(t, root => {
		for (const name of ['é', 'z', 'a.b']) writeFileSync(join(root, 'var', name), '');
		writeFileSync(Buffer.concat([Buffer.from(`${root}/var/`), Buffer.from([0xff, 0x41])]), '');
	});
	t.deepEqual(entries, ['directory var', 'file var/a.b', 'file var/z', 'file var/é', 'file var/\udcffA']);
});
