import {spawnSync} from 'node:child_process';
import {join} from 'node:path';
import test from 'ava';
import {readContextXattrs} from '../../../lib/sealfile/context/context-xattrs.js';
import {openContext} from '../../../lib/sealfile/context/open-context.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

test('attributes of users are kept with their bytes, for odd names too', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {'sub/a\nb': '', plain: '', link: '-> plain'});
	const set = spawnSync('setfattr', ['-n', 'user.note', '-v', '0x00ff0a', join(dir, 'sub/a\nb')]);
	const table = await readContextXattrs(dir);
	// A machine without the programs, or a file system without attributes, has none to keep.
	const expected = set.status === 0 ? {'user.note': Buffer.from([0, 255, 10])} : undefined;
	t.deepEqual(table.get('sub/a\nb'), expected);
	t.deepEqual(openContext(dir, {xattrs: table}).lookup('sub/a\nb')?.header.xattrs, expected);
	t.is(openContext(dir, {xattrs: table}).lookup('plain')?.header.xattrs, undefined);
});

test('an abort ends the reading', async t => {
	const reason = new Error('enough');
	await t.throwsAsync(readContextXattrs(tempDir(t), {signal: AbortSignal.abort(reason)}), {is: reason});
});
