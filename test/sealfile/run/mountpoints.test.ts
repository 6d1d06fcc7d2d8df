import {existsSync, lstatSync, mkdirSync, utimesSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {makeMountpoints} from '../../../lib/sealfile/run/mountpoints.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

const past = new Date(1_000_000_000_000);

test('what was made for mounts goes away again, and folders have the times that they had', t => {
	const root = tempDir(t);
	writeFiles(root, {'etc/passwd': ''});
	utimesSync(join(root, 'etc'), past, past);
	utimesSync(root, past, past);
	const points = makeMountpoints(root, [
		{path: 'proc', kind: 'folder'},
		{path: 'etc/hosts', kind: 'file'},
		{path: 'a/b/c', kind: 'folder'},
		{path: 'etc/passwd', kind: 'file'},
	]);
	t.true(lstatSync(join(root, 'a/b/c')).isDirectory());
	t.true(lstatSync(join(root, 'etc/hosts')).isFile());
	points.clear();
	t.deepEqual(
		['proc', 'a', 'etc/hosts', 'etc/passwd'].map(path => existsSync(join(root, path))),
		[false, false, false, true],
	);
	t.is(lstatSync(root).mtimeMs, past.getTime());
	t.is(lstatSync(join(root, 'etc')).mtimeMs, past.getTime());
});

test('what the command put beside a mount stays, and so does the time at which it did', t => {
	const root = tempDir(t);
	utimesSync(root, past, past);
	const points = makeMountpoints(root, [{path: 'a/b', kind: 'folder'}]);
	writeFileSync(join(root, 'a/kept'), '');
	const later = new Date(1_700_000_000_000);
	mkdirSync(join(root, 'new'));
	utimesSync(root, later, later);
	points.clear();
	t.true(existsSync(join(root, 'a/kept')));
	t.false(existsSync(join(root, 'a/b')));
	t.is(lstatSync(root).mtimeMs, later.getTime());
});

test('a target of the wrong kind is refused and leaves nothing behind', t => {
	const root = tempDir(t);
	writeFiles(root, {file: ''});
	const error = t.throws(() =>
		makeMountpoints(root, [
			{path: 'new', kind: 'folder'},
			{path: 'file', kind: 'folder'},
		]),
	);
	t.like(error, {
		code: 'ERR_RUN_MOUNT',
		message: 'The mount target /file is a file, and a folder is to be mounted on it',
	});
	t.false(existsSync(join(root, 'new')));
});
