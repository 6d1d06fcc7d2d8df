import {symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {loadForeign} from '../../../lib/core/foreign.js';
import {readXattrsNatively, setXattrsNatively} from '../../../lib/oci/disk/native-xattrs.js';
import {diskPath} from '../../../lib/oci/disk/path.js';
import {readByProgram, readXattrs} from '../../../lib/oci/disk/xattrs.js';
import {tempDir} from '../../helpers/temp-dir.js';

async function getXattr(path: string, name: string): Promise<Buffer | undefined> {
	const libc = (await loadForeign()).load('libc.so.6');
	const get = libc.func('long lgetxattr(const char *path, const char *name, void *value, size_t size)');
	const value = Buffer.alloc(256);
	const length = get(path, name, value, value.length) as number;
	return length < 0 ? undefined : value.subarray(0, length);
}

test('attributes are set without any program, names and values byte for byte', async t => {
	const root = tempDir(t);
	writeFileSync(join(root, 'file é'), '');
	const xattrs = {'user.one': Buffer.from([0, 255, 10]), 'user.t wo': Buffer.alloc(0)};
	t.deepEqual(await setXattrsNatively(root, [{path: 'file é', xattrs}]), {failed: 0, errno: 0});
	t.deepEqual(await getXattr(join(root, 'file é'), 'user.one'), xattrs['user.one']);
	t.deepEqual(await getXattr(join(root, 'file é'), 'user.t wo'), xattrs['user.t wo']);
});

test('what the kernel refuses is counted, and a link is not followed', async t => {
	const root = tempDir(t);
	writeFileSync(join(root, 'target'), '');
	symlinkSync('target', join(root, 'link'));
	const one = {'user.one': Buffer.from('x')};
	const enoent = 2;
	const result = await setXattrsNatively(root, [
		{path: 'missing', xattrs: one},
		{path: 'link', xattrs: one},
	]);
	t.deepEqual(result, {failed: 2, errno: enoent});
	t.is(await getXattr(join(root, 'target'), 'user.one'), undefined);
});

test('attributes are read without any program: of files with any name, not of what a link leads to', async t => {
	const root = tempDir(t);
	const odd = 'a\nb \udcff';
	for (const path of [odd, 'plain']) writeFileSync(diskPath(root, path), '');
	symlinkSync(Buffer.from('plain'), join(root, 'link'));
	const xattrs = {'user.empty': Buffer.alloc(0), 'user.long name': Buffer.alloc(2000, 0xfe)};
	await setXattrsNatively(root, [
		{path: odd, xattrs},
		{path: 'plain', xattrs: {'user.one': Buffer.from('1')}},
		{path: '', xattrs: {'user.root': Buffer.from('r')}},
	]);
	const paths = ['', odd, 'plain', 'link', 'missing', 'plain/below', 'x'.repeat(9000)];
	t.deepEqual(await readXattrsNatively(root, paths, name => name !== 'user.one'), {
		complete: true,
		xattrs: new Map<string, Record<string, Uint8Array>>([
			['', {'user.root': Buffer.from('r')}],
			[odd, xattrs],
		]),
	});
});

test('attributes of one machine are not read, and the program agrees where it is installed', async t => {
	const root = tempDir(t);
	writeFileSync(join(root, 'file'), '');
	await setXattrsNatively(root, [
		{path: 'file', xattrs: {'user.kept': Buffer.from([1]), 'user.overlay.opaque': Buffer.from('y')}},
	]);
	const {xattrs} = await readXattrs(root, ['file']);
	t.deepEqual(xattrs, new Map([['file', {'user.kept': Buffer.from([1])}]]));
	const program = await readByProgram(root, ['file']);
	if (program.complete) t.deepEqual(program.xattrs.get('file')?.['user.kept'], Buffer.from([1]));
});
