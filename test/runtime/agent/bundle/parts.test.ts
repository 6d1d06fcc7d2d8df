import {createHash} from 'node:crypto';
import {chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {gzipSync} from 'node:zlib';
import test, {type ExecutionContext} from 'ava';
import {isSealError} from '../../../../lib/core/errors.js';
import type {PackagePin} from '../../../../lib/runtime/agent/bundle/packages.js';
import {openParts, type PartsOptions} from '../../../../lib/runtime/agent/bundle/parts.js';
import {type Member, writeTar} from '../../../helpers/archives.js';
import {tempDir} from '../../../helpers/temp-dir.js';

const members = {'package/bin/tool': 'the tool', 'package/other': 'not wanted', 'package/LICENSE': 'free'};

test('the files of a package are fetched once, with the modes of the pin, and nothing else of it', async t => {
	const {pin, options, calls} = await registry(t, members);
	const parts = await openParts([pin], options);
	t.deepEqual(
		parts.map(({name, mode, sizeBytes}) => ({name, mode, sizeBytes})),
		[
			{name: 'tool', mode: 0o755, sizeBytes: 8},
			{name: 'tool.LICENSE', mode: 0o644, sizeBytes: 4},
		],
	);
	t.is(readFileSync(parts[0]!.path, 'utf8'), 'the tool');
	t.is(statSync(parts[0]!.path).mode & 0o111, 0o111);
	t.deepEqual(await openParts([pin], options), parts);
	t.is(calls().length, 1);
	t.true(calls()[0]!.startsWith('pack tool@1.0.0 --pack-destination '), calls()[0]);
	t.deepEqual(
		readdirSync(join(options.cacheDir, 'agent')).filter(name => !name.startsWith('parts-')),
		[],
	);
});

test('many who want the same at once fetch it once', async t => {
	const {pin, options, calls} = await registry(t, members);
	const all = await Promise.all(Array.from({length: 5}, () => openParts([pin], options)));
	t.is(new Set(all.map(parts => JSON.stringify(parts))).size, 1);
	t.is(calls().length, 1);
});

test('a file of the cache that was damaged is fetched anew', async t => {
	const {pin, options, calls} = await registry(t, members);
	const [tool] = await openParts([pin], options);
	writeFileSync(tool!.path, 'The tool');
	t.deepEqual((await openParts([pin], options))[0]?.digest, tool?.digest);
	t.is(readFileSync(tool!.path, 'utf8'), 'the tool');
	t.is(calls().length, 2);
});

test('other bytes than those of the pin are refused, and nothing of them is kept', async t => {
	const {pin, options} = await registry(t, members);
	const wrong = {...pin, integrity: `sha512-${'A'.repeat(86)}==`};
	const error = await t.throwsAsync(openParts([wrong], options));
	t.true(isSealError(error));
	t.like(error, {code: 'ERR_AGENT_BUNDLE', details: {expected: wrong.integrity, found: pin.integrity}});
	t.deepEqual(readdirSync(join(options.cacheDir, 'agent')), []);
});

test('a package without the file that is wanted is refused', async t => {
	const {pin, options} = await registry(t, {'package/other': 'x'});
	await t.throwsAsync(openParts([pin], options), {message: /has no file package\/bin\/tool/});
	t.deepEqual(readdirSync(join(options.cacheDir, 'agent')), []);
});

test('a link in the place of a file is no file', async t => {
	const {pin, options} = await registry(t, {...members, 'package/bin/tool': {symlink: '/etc/passwd'}});
	await t.throwsAsync(openParts([pin], options), {message: /has no file/});
});

test('what npm says is told, and how to do without a network', async t => {
	const {pin, options} = await registry(t, members, 'echo "npm error network ECONNREFUSED" >&2; exit 1');
	const error = await t.throwsAsync(openParts([pin], options), {message: /tool 1\.0\.0.*ECONNREFUSED/});
	t.regex((isSealError(error) && error.hint) || '', /agent fetch --to DIR/);
});

test('a machine without npm is told so', async t => {
	const {pin, options} = await registry(t, members);
	await t.throwsAsync(openParts([pin], {...options, env: {PATH: tempDir(t)}}), {message: /there is no npm/});
});

test('an abort ends npm and leaves nothing', async t => {
	const {pin, options} = await registry(t, members, 'sleep 60 & echo $! >"$PIDS"; wait');
	const controller = new AbortController();
	const pids = join(tempDir(t), 'pids');
	const parts = openParts([pin], {...options, env: {...options.env, PIDS: pids}, signal: controller.signal});
	parts.catch(() => undefined);
	while (!existsSync(pids) || readFileSync(pids, 'utf8') === '') await sleep(20);
	controller.abort(new Error('enough'));
	await t.throwsAsync(parts, {message: 'enough'});
	t.false(existsSync(`/proc/${readFileSync(pids, 'utf8').trim()}/exe`));
	t.deepEqual(readdirSync(join(options.cacheDir, 'agent')), []);
});

/** A package and an npm that gives it, or does what the script says. */
async function registry(
	t: ExecutionContext,
	files: Readonly<Record<string, Member>>,
	script = `cp "$ARCHIVE" "$4/tool-1.0.0.tgz"`,
): Promise<{readonly pin: PackagePin; readonly options: PartsOptions; calls(): readonly string[]}> {
	const dir = tempDir(t);
	const tar = await writeTar(join(dir, 'tool.tar'), files);
	const archive = gzipSync(readFileSync(tar));
	writeFileSync(join(dir, 'tool.tgz'), archive);
	mkdirSync(join(dir, 'bin'));
	writeFileSync(join(dir, 'bin/npm'), `#!/bin/sh\necho "$*" >>"${dir}/calls"\n${script}\n`);
	chmodSync(join(dir, 'bin/npm'), 0o755);
	writeFileSync(join(dir, 'calls'), '');
	return {
		pin: {
			name: 'tool',
			version: '1.0.0',
			integrity: `sha512-${createHash('sha512').update(archive).digest('base64')}`,
			files: {'bin/tool': {name: 'tool', mode: 0o755}, LICENSE: {name: 'tool.LICENSE', mode: 0o644}},
		},
		options: {
			cacheDir: join(dir, 'cache'),
			env: {PATH: `${join(dir, 'bin')}:${process.env.PATH}`, ARCHIVE: join(dir, 'tool.tgz')},
		},
		calls: () => readFileSync(join(dir, 'calls'), 'utf8').split('\n').filter(Boolean),
	};
}
