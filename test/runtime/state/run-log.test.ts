import {readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {SealError} from '../../../lib/core/errors.js';
import {Secret} from '../../../lib/core/secret.js';
import {createMask} from '../../../lib/runtime/state/mask.js';
import {listRunLogs, openRunLog, readRunLog} from '../../../lib/runtime/state/run-log.js';
import {tempDir} from '../../helpers/temp-dir.js';

const at = Date.UTC(2026, 10, 22, 1, 30);

test('the log of a run has its events in their order, without secrets, for its owner alone', async t => {
	const folder = join(tempDir(t), 'logs');
	const log = await openRunLog({
		folder,
		verb: 'run',
		version: '1.0.0',
		secrets: [new Secret('hunter2')],
		now: () => at,
	});
	t.is(log.id, '20261122T013000Z-run');
	log.onEvent({type: 'action.started', id: 'join/a', phase: 'join', title: 'join a', host: 'a'});
	log.onEvent({type: 'blob.progress', id: 'x', doneBytes: 1});
	log.hide(new Secret('later-known'));
	const text = `login hunter2 ${Buffer.from('hunter2').toString('base64')} later-known\n`;
	log.onEvent({type: 'command.output', id: 'join/a', stream: 'stdout', text});
	await log.end({exitCode: 1, error: new SealError('ERR_IO', 'Cannot read hunter2')});
	await log.end({exitCode: 0});
	log.onEvent({type: 'warning', code: 'ERR_IO', message: 'late'});
	const lines = await readRunLog(folder, log.id);
	t.deepEqual(
		lines.map(({type}) => type),
		['run', 'action.started', 'command.output', 'end'],
	);
	t.like(lines[0], {schema: 1, verb: 'run', version: '1.0.0', startedAt: '2026-11-22T01:30:00.000Z'});
	t.is(lines[2]?.text, 'login [secret] [secret]== [secret]\n'.replace('==', paddingOf('hunter2')));
	t.like(lines[3], {exitCode: 1, error: {code: 'ERR_IO', message: 'Cannot read [secret]'}});
	t.is(statSync(log.path).mode & 0o777, 0o600);
	t.notRegex(readFileSync(log.path, 'utf8'), /hunter2/);
});

test('two runs of one second have logs of their own, and only the newest are kept', async t => {
	const folder = tempDir(t);
	for (let number = 0; number < 4; number++) {
		const log = await openRunLog({folder, verb: 'add', version: '1', now: () => at + number * 400, keep: 3});
		await log.end({exitCode: 0});
	}
	t.deepEqual(await listRunLogs(folder), ['20261122T013000Z-add-2', '20261122T013000Z-add-3', '20261122T013001Z-add']);
});

test('a log that was torn is read as far as it goes, and what is no log is not listed', async t => {
	const folder = tempDir(t);
	writeFileSync(join(folder, '20261122T013000Z-run.jsonl'), '{"type":"run"}\n{"type":"acti');
	writeFileSync(join(folder, 'notes.jsonl'), '');
	t.deepEqual(await listRunLogs(folder), ['20261122T013000Z-run']);
	t.deepEqual(await readRunLog(folder, '20261122T013000Z-run'), [{type: 'run'}]);
	t.deepEqual(await listRunLogs(join(folder, 'none')), []);
});

test('a run that has no log is an error, also one whose id is a path', async t => {
	const folder = tempDir(t);
	await t.throwsAsync(readRunLog(folder, '20261122T013000Z-run'), {code: 'ERR_RUN_LOG'});
	await t.throwsAsync(readRunLog(folder, '../../etc/passwd'), {code: 'ERR_RUN_LOG'});
	t.deepEqual(readdirSync(folder), []);
});

test('a key is masked line by line, the longest secret first, and short ones are left alone', t => {
	const key = `-----BEGIN KEY-----\n${'QUJD'.repeat(16)}\n-----END KEY-----\n`;
	const mask = createMask([new Secret(key), new Secret('abc'), new Secret('abcdef'), new Secret('x')]);
	t.is(mask.text(`a ${'QUJD'.repeat(16)} b`), 'a [secret] b');
	t.is(mask.text('abcdef abc x'), '[secret] [secret] x');
	t.deepEqual(mask.value({abc: ['abc', 1, null, {b: 'abc'}]}), {'[secret]': ['[secret]', 1, null, {b: '[secret]'}]});
});

function paddingOf(text: string): string {
	return Buffer.from(text)
		.toString('base64')
		.replace(/^[^=]*/, '');
}
