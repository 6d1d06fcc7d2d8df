import {spawnSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {type ContextXattrs, openContextXattrs} from '../../../lib/sealfile/context/context-xattrs.js';
import {openContext} from '../../../lib/sealfile/context/open-context.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

const later = (): number => Date.now() + 10_000;

test('attributes of users are kept with their bytes, for odd names too', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {'sub/a\nb': '', plain: '', link: '-> plain'});
	const expected = setNote(dir, 'sub/a\nb');
	const {source, looks, look} = await lookAt(t, dir);
	t.deepEqual(await source.surely?.(look), {'sub/a\nb': expected, plain: undefined});
	// What has none is not looked at twice.
	t.is(looks.count, expected === undefined ? 1 : 2);
});

test('what had no attributes is not asked for again until it changes', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {'sub/a\nb': '', plain: ''});
	const first = await lookAt(t, dir);
	await first.source.surely?.(first.look);
	await first.xattrs.save();
	t.true(readFileSync(first.file).includes('plain'));
	const unchanged = openContextXattrs(dir, first.file, later);
	openContext(dir, {xattrs: unchanged}).lookup('plain');
	t.false(await unchanged.settle({signal: AbortSignal.abort()}));
	const expected = setNote(dir, 'plain');
	const second = await lookAt(t, dir, first.file);
	t.deepEqual(await second.source.surely?.(second.look), {'sub/a\nb': undefined, plain: expected});
});

test('an abort ends the reading', async t => {
	const dir = tempDir(t);
	writeFiles(dir, {plain: ''});
	const {source, look} = await lookAt(t, dir);
	const reason = new Error('enough');
	await t.throwsAsync(async () => source.surely?.(look, {signal: AbortSignal.abort(reason)}), {is: reason});
});

interface Looked {
	readonly file: string;
	readonly xattrs: ContextXattrs;
	readonly source: ReturnType<typeof openContext>;
	readonly looks: {count: number};
	look(): Promise<Record<string, unknown>>;
}

async function lookAt(t: ExecutionContext, dir: string, file = join(tempDir(t), 'cache/xattrs')): Promise<Looked> {
	const xattrs = openContextXattrs(dir, file, later);
	const source = openContext(dir, {xattrs});
	const looks = {count: 0};
	const look = async (): Promise<Record<string, unknown>> => {
		looks.count++;
		return Object.fromEntries(
			['sub/a\nb', 'plain'].flatMap(path => {
				const node = source.lookup(path);
				return node === undefined ? [] : [[path, node.header.xattrs]];
			}),
		);
	};
	return {file, xattrs, source, looks, look};
}

/** A machine without the programs, or a file system without attributes, has none to keep. */
function setNote(dir: string, path: string): Record<string, Buffer> | undefined {
	const set = spawnSync('setfattr', ['-n', 'user.note', '-v', '0x00ff0a', join(dir, path)]);
	return set.status === 0 ? {'user.note': Buffer.from([0, 255, 10])} : undefined;
}
