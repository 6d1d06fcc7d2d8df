import {existsSync, readFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import fc from 'fast-check';
import {runLine} from '../../../lib/runtime/application/run-line.js';
import {isVariableName} from '../../../lib/runtime/transport/environment.js';
import {loginTransport} from '../../helpers/login-transport.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

interface Given {
	readonly env?: Readonly<Record<string, string>>;
	readonly path?: readonly string[];
	readonly timeoutMs?: number;
	readonly signal?: AbortSignal;
}

async function run(t: ExecutionContext, line: string, {env = {}, path = [], timeoutMs, signal}: Given = {}) {
	const cwd = tempDir(t);
	const output = {stdout: '', stderr: ''};
	const outcome = await runLine(
		loginTransport(),
		{line, cwd, path, env, timeoutMs},
		{
			signal,
			onOutput: (stream, text) => {
				output[stream] += text;
			},
		},
	);
	return {...outcome, ...output, cwd};
}

const statuses: Readonly<Record<string, number>> = {
	true: 0,
	'false; true': 0,
	'true; exit 7': 7,
	'false && echo no': 1,
	'(exit 3)': 3,
	'false | true': 0,
	'if; then': 2,
	'no-such-program-anywhere': 127,
	'# nothing': 0,
	'set -e; false; true': 1,
};

for (const [line, code] of Object.entries(statuses)) {
	test(`the line ${JSON.stringify(line)} ends with ${code}`, async t => {
		const {status} = await run(t, line);
		t.is(status.code, code);
	});
}

test("a line is one text: quotes, line ends and here-documents in it are the shell's", async t => {
	const {stdout} = await run(t, 'cat <<"END" &&\n$HOME "quoted" `x`\nEND\nprintf "%s\\n" \'it is\' "a  b"');
	t.is(stdout, '$HOME "quoted" `x`\nit is\na  b\n');
});

test('a line runs in its folder, with nothing to read, and sees nothing of how it came', async t => {
	const {stdout, cwd} = await run(
		t,
		'pwd; cat; echo "[$SEALIMAGE_LINE$SEALIMAGE_PATH]"; env | grep -c SEALIMAGE; echo "$#"',
	);
	t.is(stdout, `${cwd}\n[]\n0\n0\n`);
});

test('programs of the image come before those of the host', async t => {
	const bin = tempDir(t);
	writeFiles(bin, {kubectl: '#!/bin/sh\necho ours "$@"\n'});
	const {stdout} = await run(t, `chmod +x ${bin}/kubectl && kubectl get x && command -v sed >/dev/null && echo both`, {
		path: [bin, '/no/such'],
	});
	t.is(stdout, 'ours get x\nboth\n');
});

test('no other user reads line or variables in a list of processes', async t => {
	const {stdout} = await run(t, 'echo "$TOKEN"; tr "\\0" " " </proc/$$/cmdline', {env: {TOKEN: 'very-secret'}});
	const [token, ...words] = stdout.split('\n');
	t.is(token, 'very-secret');
	t.regex(words.join(' '), /eval/);
	t.notRegex(words.join(' '), /very-secret|TOKEN|cmdline/);
});

test('output comes in whole lines, and its end is kept', async t => {
	const {tail, stdout, stderr} = await run(t, 'printf "a\\303"; sleep 0.05; printf "\\244\\nlast"; echo bad >&2');
	t.is(stdout, 'aä\nlast');
	t.is(stderr, 'bad\n');
	t.true(tail.includes('aä') && tail.includes('bad'));
	const long = await run(t, 'i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i+1)); done');
	t.true(long.tail.endsWith('line 1999\n'));
	t.true(long.tail.length <= 4096);
	t.is(long.stdout.split('\n').length, 2001);
});

test('an abort ends a line with its children', async t => {
	const stop = new AbortController();
	const folder = tempDir(t);
	const reason = new Error('enough');
	const running = run(t, `(sleep 1.5; touch ${folder}/late) & echo $! >${folder}/pid; touch ${folder}/begun; wait`, {
		signal: stop.signal,
	});
	while (!existsSync(`${folder}/begun`)) await sleep(10);
	stop.abort(reason);
	t.is(await t.throwsAsync(running), reason);
	const child = Number(readFileSync(`${folder}/pid`, 'utf8'));
	t.false(isAlive(child));
	t.false(existsSync(`${folder}/late`));
});

test('a line that takes too long is stopped', async t => {
	const error = await t.throwsAsync(run(t, 'sleep 60', {timeoutMs: 300}), {code: 'ERR_COMMAND_TIMEOUT'});
	t.regex(error?.message ?? '', /did not end within 0\.3 s/);
});

test('a line that no shell can be given is refused, and a long one is not', async t => {
	await t.throwsAsync(run(t, `# ${'x'.repeat(130_000)}`), {
		code: 'ERR_ENVIRONMENT',
		message: /^A line has 130002 bytes/,
	});
	t.is((await run(t, `# ${'x'.repeat(110_000)}`)).status.code, 0);
});

test('a folder that is not there is told', async t => {
	const request = {line: 'true', cwd: '/no/such/folder', path: [], env: {}};
	await t.throwsAsync(runLine(loginTransport(), request), {code: 'ERR_COMMAND_CWD'});
});

test('variables arrive byte for byte, whatever is in them', async t => {
	const value = fc.string({unit: 'grapheme', maxLength: 200}).filter(text => !text.includes('\0'));
	const nasty = fc.constantFrom(
		'"',
		"'",
		'$HOME ${X} $(id) `id`',
		' leading and trailing ',
		'\n',
		'a\nb\r\nc\n\n',
		'\\',
		'\\n',
		'!',
		'%s',
		'*',
		'~',
		'-n',
		'\t\u0001\u007f',
		'ä€😀',
		';rm -rf /',
		'EOF\n<<EOF',
	);
	const name = fc
		.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/)
		.filter(text => isVariableName(text) && !reserved.test(text));
	const env = fc.dictionary(
		name,
		fc.oneof(
			value,
			nasty,
			fc.array(nasty).map(parts => parts.join('')),
		),
		{maxKeys: 8},
	);
	await fc.assert(
		fc.asyncProperty(env, async variables => {
			const names = Object.keys(variables);
			const line = names.map(one => `printf '%s' "$${one}" | od -An -v -tx1 | tr -d ' \\n'; echo`).join('\n');
			const {stdout} = await run(t, line === '' ? ':' : line, {env: variables});
			const found = stdout.split('\n').slice(0, names.length);
			return names.every((one, index) => found[index] === Buffer.from(variables[one]!).toString('hex'));
		}),
		{numRuns: 25},
	);
	t.pass();
});

/** What nobody has reaped yet is dead all the same. */
function isAlive(pid: number): boolean {
	try {
		return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
	} catch {
		return false;
	}
}

/** Shells act on these, or set them themselves. */
const reserved =
	/^(?:_|PATH|HOME|PWD|OLDPWD|SHLVL|IFS|PS\d|ENV|BASH.*|LC_.*|LANG.*|LD_.*|DIRSTACK|FUNCNAME|GROUPS|RANDOM|SECONDS|SRANDOM|EPOCH.*|LINENO|OPT.*|HIST.*|COMP_.*|POSIXLY_CORRECT|UID|TMOUT|MAIL.*|CDPATH|GLOBIGNORE|EXECIGNORE|HOSTNAME|HOSTTYPE|MACHTYPE|OSTYPE|PIPESTATUS|PPID|REPLY|COLUMNS|LINES|MAPFILE|COPROC|FCEDIT|FIGNORE|INPUTRC|TERM|TEXT.*|TIMEFORMAT|TMPDIR|TZ|SEALIMAGE.*)$/;
