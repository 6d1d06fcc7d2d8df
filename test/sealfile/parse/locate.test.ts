import {execFileSync} from 'node:child_process';
import {mkdirSync, truncateSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {isSealError} from '../../../lib/core/errors.js';
import {locateSealfile} from '../../../lib/sealfile/parse/locate.js';
import {tempDir} from '../../helpers/temp-dir.js';

test('Sealfile comes before Kubefile, Dockerfile and Containerfile', async t => {
	const dir = tempDir(t);
	for (const name of ['Containerfile', 'Dockerfile', 'Kubefile', 'Sealfile']) {
		writeFileSync(join(dir, name), `FROM ${name}`);
		const found = await locateSealfile(dir);
		t.is(found.file, join(dir, name));
		t.is(Buffer.from(found.bytes).toString(), `FROM ${name}`);
	}
});

test('a named file wins, wherever it is', async t => {
	const dir = tempDir(t);
	writeFileSync(join(dir, 'Sealfile'), 'FROM a');
	writeFileSync(join(dir, 'other'), 'FROM b');
	t.is(Buffer.from((await locateSealfile(dir, join(dir, 'other'))).bytes).toString(), 'FROM b');
});

test('a missing file says what was looked for', async t => {
	const dir = tempDir(t);
	const none = await t.throwsAsync(locateSealfile(dir), {code: 'ERR_SEALFILE_MISSING'});
	t.is(none?.message, `No Sealfile in ${dir}`);
	t.is(
		isSealError(none) && none.hint,
		'Create one, or name it with -f; looked for Sealfile, Kubefile, Dockerfile, Containerfile.',
	);
	await t.throwsAsync(locateSealfile(join(dir, 'nowhere')), {code: 'ERR_SEALFILE_MISSING'});
	const named = await t.throwsAsync(locateSealfile(dir, join(dir, 'x')), {code: 'ERR_SEALFILE_MISSING'});
	t.is(named?.message, `Sealfile ${join(dir, 'x')} does not exist`);
});

test('what is no readable text file of sane size is refused, a pipe without waiting for a writer', async t => {
	const dir = tempDir(t);
	mkdirSync(join(dir, 'folder'));
	execFileSync('mkfifo', [join(dir, 'pipe')]);
	writeFileSync(join(dir, 'huge'), '');
	truncateSync(join(dir, 'huge'), 4 * 1024 * 1024 + 1);
	for (const [name, what] of [
		['folder', 'is not a file'],
		['pipe', 'is not a file'],
		['huge', 'is larger than 4194304 bytes'],
	] as const) {
		const error = await t.throwsAsync(locateSealfile(dir, join(dir, name)), {code: 'ERR_SEALFILE_MISSING'});
		t.is(error?.message, `Sealfile ${join(dir, name)} ${what}`);
	}
});

test('an aborted call rejects with the reason', async t => {
	const reason = new Error('stop');
	await t.throwsAsync(locateSealfile('/', undefined, {signal: AbortSignal.abort(reason)}), {is: reason});
});
