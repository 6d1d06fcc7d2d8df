import {execFileSync} from 'node:child_process';
import {mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {verbs} from '../../bin/commands.js';
import {complete, fileMark, folderMark} from '../../bin/completion/complete.js';
import {cliIn, cliPath} from '../helpers/run-cli.js';

const images = async (): Promise<readonly string[]> => ['redis:v7', 'shop:v1', 'shop:v2'];

const completes = test.macro({
	async exec(t, words: string[], expected: string[]) {
		t.deepEqual(
			(await complete(words, verbs, images)).map(item => item.text),
			expected,
		);
	},
	title: (_, words: string[]) => `completes "sealimage ${words.join(' ')}"`,
});

test(completes, ['ver'], ['verify', 'version']);
test(completes, ['manifest', ''], ['create', 'add', 'annotate', 'rm', 'inspect']);
test(completes, ['--prog'], ['--progress']);
test(completes, ['build', '--no-c'], ['--no-cache']);
test(completes, ['build', '--progress', ''], ['auto', 'tty', 'plain', 'json', 'none']);
test(completes, ['build', '--progress=p'], ['--progress=plain']);
test(completes, ['build', '--platform', 'linux/am'], ['linux/amd64']);
test(completes, ['build', ''], [folderMark]);
test(completes, ['build', '-f', ''], [fileMark]);
test(completes, ['inspect', 'sh'], ['shop:v1', 'shop:v2']);
test(completes, ['inspect', 'shop:v1', 'r'], ['redis:v7', 'registry-dir:']);
test(completes, ['copy', 'd'], ['docker://', 'docker-archive:']);
test(completes, ['copy', 'shop:v1', 'oci-archive:/media/d'], [fileMark]);
test(completes, ['push', 'shop:v1', 'st'], ['store:']);
test(completes, ['search-tags', '--sort', 'v'], ['version']);
test(completes, ['history', 'shop:v1', 'r'], []);
test(completes, ['tag', '--', 'r'], ['redis:v7']);
test(completes, ['help', 'parse'], ['parse']);
test(completes, ['completion', 'x'], []);

test('words of an unknown command complete to nothing', async t => {
	t.is(await cliIn(t).ok('__complete', '--', 'nonsense', ''), '');
});

test('bash completes verbs, flags and files through the script', async t => {
	const cli = cliIn(t);
	mkdirSync(join(cli.dir, 'bin'));
	symlinkSync(cliPath, join(cli.dir, 'bin/cli.js'));
	writeFileSync(join(cli.dir, 'bin/sealimage'), `#!/bin/sh\nexec '${process.execPath}' '${cliPath}' "$@"\n`, {
		mode: 0o755,
	});
	writeFileSync(join(cli.dir, 'completion'), await cli.ok('completion', 'bash'));
	writeFileSync(join(cli.dir, 'My File'), '');
	const after = (line: string): string[] => {
		const words = line.split(' ');
		const script = `compopt() { :; }; source ./completion; COMP_LINE='${line}'; COMP_POINT=${line.length}; COMP_WORDS=(${words.map(word => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _sealimage; printf '%s\\n' "\${COMPREPLY[@]}"`;
		const env = {PATH: `${join(cli.dir, 'bin')}:${process.env.PATH}`, HOME: cli.dir};
		return execFileSync('bash', ['-c', script], {cwd: cli.dir, env, encoding: 'utf8'}).trimEnd().split('\n');
	};
	t.deepEqual(after('sealimage insp'), ['inspect']);
	t.deepEqual(after('sealimage build --plat'), ['--platform']);
	t.deepEqual(after('sealimage build -f My'), ['My File']);
});
