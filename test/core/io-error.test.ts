import test from 'ava';
import type {ErrorCode} from '../../lib/core/codes.js';
import {SealError} from '../../lib/core/errors.js';
import {ifExists, ioError, withIo} from '../../lib/core/io-error.js';

function systemError(code: string): Error {
	return Object.assign(new Error(`${code}: raw text`), {code});
}

const maps = test.macro({
	exec(t, code: string, expected: ErrorCode, message: string) {
		const error = ioError(systemError(code), 'write', '/data/x') as SealError;
		t.is(error.code, expected);
		t.is(error.message, `Cannot write /data/x: ${message}`);
		t.deepEqual(error.details, {path: '/data/x', systemCode: code});
	},
	title: (_, code, expected) => `${code} becomes ${expected}`,
});

test(maps, 'ENOSPC', 'ERR_NO_SPACE', 'the disk is full');
test(maps, 'EDQUOT', 'ERR_NO_SPACE', 'the disk quota is used up');
test(maps, 'EFBIG', 'ERR_NO_SPACE', 'the file system does not take files this large');
test(maps, 'EACCES', 'ERR_PERMISSION', 'permission denied');
test(maps, 'EPERM', 'ERR_PERMISSION', 'the operation is not permitted');
test(maps, 'EROFS', 'ERR_READ_ONLY', 'the file system is read-only');
test(maps, 'ENOENT', 'ERR_IO', 'it does not exist');
test(maps, 'ENOTDIR', 'ERR_IO', 'a part of the path is not a folder');
test(maps, 'EMFILE', 'ERR_IO', 'too many open files');
test(maps, 'EWEIRD', 'ERR_IO', 'EWEIRD');

test('errors that are not of the system pass through', t => {
	const ours = new SealError('ERR_USAGE', 'x');
	t.is(ioError(ours, 'read', '/'), ours);
	const abort = new DOMException('stop', 'AbortError');
	t.is(ioError(abort, 'read', '/'), abort);
	const defect = new TypeError('x');
	t.is(ioError(defect, 'read', '/'), defect);
	const node = Object.assign(new Error('x'), {code: 'ERR_INVALID_ARG_TYPE'});
	t.is(ioError(node, 'read', '/'), node);
});

test('withIo gives the result or the mapped error', async t => {
	t.is(await withIo('read', '/x', async () => 1), 1);
	await t.throwsAsync(
		withIo('read', '/x', async () => {
			throw systemError('EACCES');
		}),
		{code: 'ERR_PERMISSION'},
	);
});

test('ifExists turns absence, and nothing else, into undefined', async t => {
	const failing = (code: string) => async () => {
		throw systemError(code);
	};
	t.is(await ifExists(failing('ENOENT')), undefined);
	await t.throwsAsync(ifExists(failing('EACCES')), {message: /EACCES/});
});
