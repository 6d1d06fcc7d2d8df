import {mkdirSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {findIgnoreRules, parseIgnoreFile} from '../../../lib/sealfile/context/ignore.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

const parsing = test.macro({
	exec(t, text: string, expected: readonly string[]) {
		t.deepEqual(parseIgnoreFile(Buffer.from(text), '.dockerignore'), expected);
	},
	title: (_, text) => `an ignore file ${JSON.stringify(text)} is read`,
});

test(parsing, '', []);
test(parsing, '\ufeff# comment\na\n', ['a']);
test(parsing, '#a\n #b\n', ['#b']);
test(parsing, '  a \t\r\n\n\t\nb', ['a', 'b']);
test(parsing, '!a\n! b', ['!a', '! b']);

test('a bad pattern is refused with its line', t => {
	const error = t.throws(() => parseIgnoreFile(Buffer.from('a\n# c\n[x\n'), '.dockerignore'), {
		code: 'ERR_PATTERN',
		message: /^\.dockerignore:3: /,
	});
	t.like(error, {details: {file: '.dockerignore', line: 3, pattern: '[x'}});
});

test('a lone exclamation mark is refused with its line', t => {
	t.throws(() => parseIgnoreFile(Buffer.from('a\n!\n'), '.dockerignore'), {
		code: 'ERR_PATTERN',
		message: '.dockerignore:2: Illegal exclusion pattern "!": it names nothing to bring back',
	});
});

test('the ignore file of the Sealfile stands alone', t => {
	const dir = tempDir(t);
	writeFiles(dir, {'Sealfile.dockerignore': 'own', '.dockerignore': 'general', '.sealignore': 'seal'});
	t.deepEqual(findIgnoreRules(dir, join(dir, 'Sealfile')).patterns, ['own']);
});

test('an empty ignore file of the Sealfile still stands alone', t => {
	const dir = tempDir(t);
	writeFiles(dir, {'Sealfile.dockerignore': '', '.dockerignore': 'general'});
	t.deepEqual(findIgnoreRules(dir, join(dir, 'Sealfile')), {patterns: [], files: [join(dir, 'Sealfile.dockerignore')]});
});

test('.containerignore comes before .dockerignore, .sealignore is added', t => {
	const dir = tempDir(t);
	writeFiles(dir, {'.dockerignore': 'docker', '.sealignore': 'seal\ndocker.io/library/nginx:1.25'});
	t.deepEqual(findIgnoreRules(dir).patterns, ['docker', 'seal', 'docker.io/library/nginx:1.25']);
	writeFiles(dir, {'.containerignore': 'container'});
	t.deepEqual(findIgnoreRules(dir, join(dir, 'Sealfile')).patterns, [
		'container',
		'seal',
		'docker.io/library/nginx:1.25',
	]);
});

test('no ignore file gives no rules', t => {
	t.deepEqual(findIgnoreRules(tempDir(t)), {patterns: [], files: []});
});

test('an ignore file that is a folder is refused', t => {
	const dir = tempDir(t);
	mkdirSync(join(dir, '.dockerignore'));
	t.throws(() => findIgnoreRules(dir), {code: 'ERR_CONTEXT'});
});

test('an ignore file that is an endless device is refused', t => {
	const dir = tempDir(t);
	symlinkSync('/dev/zero', join(dir, '.dockerignore'));
	t.throws(() => findIgnoreRules(dir), {code: 'ERR_CONTEXT'});
});
