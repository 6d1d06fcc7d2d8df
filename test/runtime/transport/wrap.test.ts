import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import fc from 'fast-check';
import {hasCode, isSealError} from '../../../lib/core/errors.js';
import {Secret} from '../../../lib/core/secret.js';
import {exec} from '../../../lib/runtime/transport/exec.js';
import {startLocally} from '../../../lib/runtime/transport/local/start.js';
import {quote} from '../../../lib/runtime/transport/quote.js';
import type {LoginShell} from '../../../lib/runtime/transport/shell.js';
import type {ExitStatus, SpawnOptions} from '../../../lib/runtime/transport/transport.js';
import {spawnInShell} from '../../../lib/runtime/transport/wrap.js';
import {type HostShellOptions, hostShell, playedSudo} from '../../helpers/host-shell.js';
import {testWith} from '../../helpers/programs.js';
import {tempDir} from '../../helpers/temp-dir.js';

const asRoot: HostShellOptions = {user: 'root'};

test('arguments, environment, folder and input arrive as they are', async t => {
	const host = hostShell(t, asRoot);
	const script = 'printf "%s|" "$@" "$ODD" "$PLAIN" "$PWD"; cat';
	const {stdout, stderr, status} = await exec(host, ['sh', '-c', script, 'sh', '', "a'b", '$HOME\n', '-x'], {
		env: {ODD: "it's\n\\n two lines ", PLAIN: 'x'},
		cwd: '/usr/bin',
		input: Buffer.from([0, 1, 255, 10]),
	});
	t.is(stdout.toString('latin1'), "|a'b|$HOME\n|-x|it's\n\\n two lines |x|/usr/bin|\u0000\u0001\u00ff\n");
	t.is(stderr.length, 0);
	t.deepEqual(status, {code: 0});
});

test('any environment arrives as it is, and is in no command line', async t => {
	const value = fc
		.string({unit: 'binary', maxLength: 60})
		.filter(text => !text.includes('\0') && Buffer.from(text).toString() === text);
	await fc.assert(
		fc.asyncProperty(fc.array(value, {minLength: 1, maxLength: 4}), async values => {
			const host = hostShell(t, asRoot);
			const env = Object.fromEntries(values.map((text, index) => [`V${index}`, `secret${text}`]));
			const {stdout} = await exec(host, [process.execPath, '-p', 'JSON.stringify(process.env)'], {env});
			const found = JSON.parse(stdout.toString()) as Record<string, string>;
			for (const [name, text] of Object.entries(env)) t.is(found[name], text);
			t.false(host.lines.join('').includes('secret'));
		}),
		{numRuns: 8},
	);
});

test('stdin, stdout and stderr are byte-exact and apart', async t => {
	const host = hostShell(t, asRoot);
	const bytes = Buffer.alloc(3_000_000, 'any \u0000\u00ff\r\n bytes', 'latin1');
	const {stdout, stderr} = await exec(host, ['bash', '-c', 'tee >(cat >&2)'], {input: bytes});
	t.true(stdout.equals(bytes));
	t.true(stderr.equals(bytes));
});

const ends = test.macro({
	async exec(t: ExecutionContext, argv: readonly string[], status: ExitStatus) {
		t.deepEqual((await exec(hostShell(t, asRoot), argv)).status, status);
	},
	title: (_title, argv, status) => `${argv.join(' ')} ends with ${JSON.stringify(status)}`,
});

test(ends, ['true'], {code: 0});
test(ends, ['sh', '-c', 'exit 143'], {code: 143});
test(ends, ['sh', '-c', 'kill -TERM $$'], {signal: 'TERM'});
test(ends, ['sh', '-c', 'kill -KILL $$'], {signal: 'KILL'});
test(ends, ['no-such-command'], {code: 127});
test(ends, ['/etc/passwd'], {code: 126});

test('nothing that a login shell prints gets into the output of a command', async t => {
	const profile = 'echo Welcome; echo "You have mail" >&2; set -x';
	const {stdout, stderr} = await exec(hostShell(t, {user: 'root', profile}), ['sh', '-c', 'echo out; echo err >&2']);
	t.is(stdout.toString(), 'out\n');
	t.is(stderr.toString(), 'err\n');
});

test('a login shell that runs no commands is told', async t => {
	const profile = 'echo This account is currently not available.; exit 1';
	const error = await t.throwsAsync(exec(hostShell(t, {user: 'root', profile}), ['true']));
	t.true(hasCode(error, 'ERR_HOST_SHELL'));
	t.regex(error?.message ?? '', /currently not available/);
});

test('a login shell that waits for something is given up', async t => {
	// Until its input ends, which is when it is given up.
	const host = hostShell(t, {user: 'root', profile: 'cat >/dev/null', startTimeoutMs: 300});
	const error = await t.throwsAsync(exec(host, ['true']), {message: /did not get to the command within 0\.3 s/});
	t.true(hasCode(error, 'ERR_HOST_SHELL'));
});

test('a login shell that does not even end when it is given up keeps nobody waiting', async t => {
	const host = hostShell(t, {user: 'root', profile: 'sleep 10', startTimeoutMs: 300});
	await t.throwsAsync(exec(host, ['true']), {message: /did not get to the command/});
});

test('a folder that is not there is told', async t => {
	const error = await t.throwsAsync(exec(hostShell(t, asRoot), ['true'], {cwd: '/no/such/folder'}));
	t.true(hasCode(error, 'ERR_COMMAND_CWD'));
});

test('a command line that no host takes is refused', async t => {
	const error = await t.throwsAsync(exec(hostShell(t, asRoot), ['echo', 'x'.repeat(200_000)]));
	t.true(hasCode(error, 'ERR_COMMAND_INVALID'));
});

for (const [what, argv, options] of [
	['no program', [], {}],
	['an option for a program', ['-c'], {}],
	['a NUL in an argument', ['echo', 'a\0b'], {}],
	['a NUL in a variable', ['true'], {env: {A: '\0'}}],
	['a name that is none', ['true'], {env: {'A;rm': 'x'}}],
	['a variable that shells own', ['true'], {env: {UID: '0'}}],
] as [string, string[], SpawnOptions][]) {
	test(`${what} is a mistake of the caller`, async t => {
		const host = hostShell(t, asRoot);
		await t.throwsAsync(exec(host, argv, options), {instanceOf: TypeError});
		t.is(host.lines.length, 0);
	});
}

for (const shell of ['bash', 'zsh', 'fish']) {
	testWith(shell)(`the login shell may be ${shell}`, async t => {
		const host = hostShell(t, {user: 'root', shell});
		const argv = ['sh', '-c', 'printf "%s|" "$@" "$V"; cat; exit 4', 'sh', "it's", '\\\\', '!', '\n', '$x'];
		const {stdout, stderr, status} = await exec(host, argv, {env: {V: "v'\n"}, input: 'in'});
		t.is(stdout.toString(), "it's|\\\\|!|\n|$x|v'\n|in");
		t.is(stderr.toString(), '');
		t.deepEqual(status, {code: 4});
	});
}

test('an abort ends the command and everything it started, deaf children too', async t => {
	const host = hostShell(t, asRoot);
	const stop = new AbortController();
	const script = `sleep 300 & echo $!; (trap '' TERM; sleep 300 & echo $!; wait; sleep 300) & echo $!
		set -m; sleep 300 & echo $!; echo end; wait`;
	const running = await host.spawn(['bash', '-c', script], {signal: stop.signal});
	let text = '';
	for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
		text += chunk.toString();
		if (text.includes('end')) break;
	}
	const ids = text.split('\n').filter(line => /^\d+$/.test(line));
	t.is(ids.length, 4);
	stop.abort(new Error('enough'));
	await t.throwsAsync(running.exit, {message: 'enough'});
	t.deepEqual(ids.filter(isAlive), []);
});

test('an abort before a command has begun leaves none behind', async t => {
	const file = join(tempDir(t), 'id');
	for (const afterMs of [0, 30, 60, 100, 150]) {
		const host = hostShell(t, {user: 'root', profile: 'sleep 0.05'});
		const stop = new AbortController();
		const running = exec(host, ['sh', '-c', `echo $$ >> ${file}; exec sleep 300`], {signal: stop.signal});
		setTimeout(() => stop.abort(new Error('enough')), afterMs);
		await t.throwsAsync(running, {message: 'enough'});
	}
	await sleep(300);
	const ids = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
	t.deepEqual(ids.filter(isAlive), []);
});

test('an abort under sudo ends the command too', async t => {
	const host = hostShell(t, {programs: playedSudo({password: 'right'}), password: new Secret('right')});
	const stop = new AbortController();
	const running = await host.spawn(['sh', '-c', 'echo $$; exec sleep 300'], {signal: stop.signal});
	const [id = ''] = await firstLine(running.stdout);
	stop.abort(new Error('enough'));
	await t.throwsAsync(running.exit, {message: 'enough'});
	t.false(isAlive(id));
});

test('a command that nothing tells of it ends when its connection is gone', async t => {
	const shell: LoginShell = {
		host: 'host1',
		user: 'root',
		// The outer shell is what sshd is to a command: its parent, and the one that knows of the connection.
		start: (line, options) =>
			startLocally('/bin/sh', `exec 3<&0; setsid /bin/sh -c ${quote(line)} <&3 & wait`, options),
	};
	const running = await spawnInShell(shell, ['sh', '-c', 'trap "" HUP TERM; echo $$ $PPID; sleep 300; sleep 300']);
	const [ids = ''] = await firstLine(running.stdout);
	const [id = '', sshd = ''] = ids.split(' ');
	process.kill(Number(sshd), 'SIGKILL');
	await running.exit;
	// The kernel closes the files of a process that is killed, which is what was waited for, a moment before it counts as dead.
	for (let tries = 0; isAlive(id) && tries < 200; tries++) await sleep(10);
	t.false(isAlive(id));
});

test('a signal goes to the whole process group', async t => {
	const host = hostShell(t, asRoot);
	const running = await host.spawn([
		'sh',
		'-c',
		'trap "echo got it; exit 5" USR1; echo ready; while :; do sleep 0.05; done',
	]);
	await firstLine(running.stdout);
	await running.kill('USR1');
	let text = '';
	for await (const chunk of running.stdout as AsyncIterable<Buffer>) text += chunk.toString();
	t.is(text, 'got it\n');
	t.deepEqual(await running.exit, {code: 5});
});

test('sudo is asked for nothing when it asks for nothing', async t => {
	const host = hostShell(t, {programs: playedSudo({}), password: new Secret('unused')});
	const {stdout} = await exec(host, ['sh', '-c', 'printf %s "$A"; cat'], {env: {A: 'env '}, input: 'in'});
	t.is(stdout.toString(), 'env in');
});

test('the password is given to sudo over its stdin, before environment and input', async t => {
	const host = hostShell(t, {programs: playedSudo({password: "it's $ecret"}), password: new Secret("it's $ecret")});
	const {stdout, stderr} = await exec(host, ['sh', '-c', 'printf %s "$A"; cat'], {env: {A: 'env '}, input: 'in'});
	t.is(stdout.toString(), 'env in');
	t.is(stderr.toString(), '');
	t.false(host.lines.join('').includes('ecret'));
});

const refused = test.macro(
	async (
		t: ExecutionContext,
		code: string,
		programs: Readonly<Record<string, string>>,
		password?: string,
		text: RegExp = /./,
	) => {
		const host = hostShell(t, {programs, ...(password === undefined ? {} : {password: new Secret(password)})});
		const error = await t.throwsAsync(exec(host, ['true'], {env: {A: 'x'}, input: 'x'}));
		t.true(isSealError(error));
		t.like(error, {code, host: 'host1'});
		t.regex(error?.message ?? '', text);
		if (password !== undefined) t.false(JSON.stringify(error).includes(password));
	},
);

test(
	'a wrong password is told, and tried once only',
	refused,
	'ERR_SUDO_PASSWORD',
	playedSudo({password: 'right'}),
	'wr0ng',
);
test('a missing password is told', refused, 'ERR_SUDO_PASSWORD_NEEDED', playedSudo({password: 'right'}));
test(
	'a user without rights is told',
	refused,
	'ERR_SUDO_DENIED',
	playedSudo({refusal: 'ops is not in the sudoers file.'}),
	'right',
);
test(
	'a sudo that fails otherwise is quoted',
	refused,
	'ERR_SUDO_FAILED',
	playedSudo({refusal: 'sudo: /etc/sudo.conf is owned by uid 7, should be 0'}),
	'right',
	/owned by uid 7/,
);
test(
	'a password that sudo repeats is not repeated',
	refused,
	'ERR_SUDO_FAILED',
	playedSudo({refusal: 'sudo: I do not like pass-word-9'}),
	'pass-word-9',
	/\[secret\]/,
);

const bare = 'PATH=${PATH%%:*}';

test('a host without sudo is told', async t => {
	const host = hostShell(t, {programs: {id: 'echo 1000'}, profile: bare});
	t.true(hasCode(await t.throwsAsync(exec(host, ['true'])), 'ERR_SUDO_MISSING'));
});

testWith('script')('a sudo that wants a terminal gets one beside the streams', async t => {
	const {id = '', sudo = ''} = playedSudo({password: 'right'});
	const host = hostShell(t, {
		programs: {
			id,
			sudo: `(: </dev/tty) 2>/dev/null || { echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1; }\n${sudo}`,
		},
		password: new Secret('right'),
	});
	const bytes = Buffer.from([3, 4, 13, 10, 0, 255]);
	const {stdout, stderr, status} = await exec(host, ['sh', '-c', 'cat; echo err >&2; exit 9'], {input: bytes});
	t.deepEqual(stdout, bytes);
	t.is(stderr.toString(), 'err\n');
	t.deepEqual(status, {code: 9});
	await exec(host, ['true']);
	t.is(host.lines.length, 3, 'the second command knows');
});

test('a sudo that wants a terminal on a host that cannot make one is told', async t => {
	const programs = playedSudo({refusal: 'sudo: sorry, you must have a tty to run sudo'});
	const error = await t.throwsAsync(exec(hostShell(t, {programs, profile: bare}), ['true']));
	t.true(hasCode(error, 'ERR_SUDO_TTY'));
});

function isAlive(id: string): boolean {
	try {
		return !/\) [ZX] /.test(readFileSync(`/proc/${id}/stat`, 'latin1'));
	} catch {
		return false;
	}
}

async function firstLine(stream: AsyncIterable<Buffer> | NodeJS.ReadableStream): Promise<string[]> {
	const reader = stream as unknown as import('node:stream').Readable;
	for (let text = ''; ; await sleep(5)) {
		const chunk = reader.read() as Buffer | null;
		text += chunk?.toString() ?? '';
		if (text.includes('\n')) return text.split('\n');
	}
}
