import {type ChildProcess, spawn, spawnSync} from 'node:child_process';
import {
	chmodSync,
	chownSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	readlinkSync,
	writeFileSync,
} from 'node:fs';
import {join, resolve} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {ExecutionContext} from 'ava';
import {peerTest} from './peer-test.js';
import {entryOf, file, folder, type Outcome, playSession, type Session} from './run-session.js';

/** Who plays a session: root himself, a user with subordinate ids, or a user who is alone in his namespace. */
interface Player {
	readonly name: string;
	readonly uid: number;
	readonly gid: number;
	/** Whether ids other than root exist for it. */
	readonly manyIds: boolean;
}

const isRoot = process.geteuid?.() === 0;

function players(): readonly Player[] {
	if (!isRoot) return [];
	const accounts = readFileSync('/etc/passwd', 'utf8')
		.split('\n')
		.map(line => line.split(':'));
	const ranged = existsSync('/etc/subuid')
		? readFileSync('/etc/subuid', 'utf8')
				.split('\n')
				.map(line => line.split(':')[0])
		: [];
	const account = accounts.find(([name]) => name !== 'root' && name !== '' && ranged.includes(name));
	const mapped = account === undefined ? [] : [playerOf('a user with subordinate ids', account, true)];
	const nobody = accounts.find(([name]) => name === 'nobody');
	const alone = nobody === undefined ? [] : [playerOf('a user alone in his namespace', nobody, false)];
	return [{name: 'root', uid: 0, gid: 0, manyIds: true}, ...[...mapped, ...alone].filter(canReadProject)];
}

/** A clone below a private folder, such as /root, is closed to other users: only root can play there. */
function canReadProject({uid, gid}: Player): boolean {
	const look = 'require("node:fs").accessSync(process.argv[1])';
	const args = ['-e', look, resolve('.build/test/interop/run-user.js')];
	return spawnSync(process.execPath, args, {uid, gid, cwd: '/'}).status === 0;
}

function playerOf(name: string, account: readonly string[], manyIds: boolean): Player {
	return {name, uid: Number(account[2]), gid: Number(account[3]), manyIds};
}

async function play(player: Player, session: Session): Promise<Outcome> {
	mkdirSync(session.dir, {recursive: true});
	if (player.uid === 0) return await playSession(session);
	const child = startSession(player, session);
	let [out, err] = ['', ''];
	child.stdout?.on('data', (chunk: Buffer) => {
		out += chunk.toString();
	});
	child.stderr?.on('data', (chunk: Buffer) => {
		err += chunk.toString();
	});
	await new Promise(done => child.on('close', done));
	if (out === '') throw new Error(`The session of ${player.name} gave nothing: ${err}`);
	return JSON.parse(out) as Outcome;
}

/** A session in a process of its own. */
function startSession(player: Player, session: Session): ChildProcess {
	mkdirSync(session.dir, {recursive: true});
	chownSync(session.dir, player.uid, player.gid);
	const child = spawn(process.execPath, [resolve('.build/test/interop/run-user.js')], {
		...{uid: player.uid, gid: player.gid, cwd: '/', stdio: ['pipe', 'pipe', 'pipe']},
		env: {PATH: process.env.PATH, HOME: '/nonexistent'},
	});
	child.stdin?.end(JSON.stringify(session));
	return child;
}

function processesWith(text: string): readonly string[] {
	return readdirSync('/proc').filter(name => /^\d+$/.test(name) && commandLine(name).includes(text));
}

/** Waits for what happens soon, a few seconds at most. */
async function eventually(happened: () => boolean): Promise<boolean> {
	for (let tries = 0; tries < 100 && !happened(); tries++) await sleep(100);
	return happened();
}

function commandLine(pid: string): string {
	try {
		return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
	} catch {
		// It ended while we looked.
		return '';
	}
}

/** A test for each player; nothing may be left in scratch afterwards. */
function sessionTest(
	title: string,
	body: (
		t: ExecutionContext,
		act: (session: Omit<Session, 'dir'>) => Promise<Outcome>,
		player: Player,
	) => Promise<void>,
	wanted: (player: Player) => boolean = () => true,
): void {
	for (const player of players().filter(wanted)) {
		peerTest(`${title} (${player.name})`, ['runc', 'busybox'], async (t, scratch) => {
			chmodSync(scratch, 0o755);
			const dir = join(scratch, 'session');
			await body(t, session => play(player, {dir, ...session}), player);
			t.deepEqual(readdirSync(join(dir, 'scratch')), [], 'Something is left in scratch');
			t.false(readFileSync('/proc/self/mountinfo', 'utf8').includes(scratch), 'A mount is left');
		});
	}
}

sessionTest('a layer holds what a command changed, and nothing else', async (t, act, {manyIds}) => {
	const {layers, error} = await act({
		steps: [
			{run: 'true; ls -laR / >/dev/null 2>&1; chown -R 0:0 /bin /etc; chmod -R u+rX /old'},
			{
				run: `rm /old/a; rm -rf /tmp; ln /old/b /old/c; mkdir /new; echo run > /new/tool; chmod 4755 /new/tool
echo more >> /home/app/f; ln -s ../new /etc/way`,
			},
			{run: 'rm -rf /new && mkdir /new && echo again > /new/other; rm /old/c; touch /etc'},
		],
	});
	t.is(error, undefined);
	t.deepEqual(layers[0], []);
	t.deepEqual(layers[1], [
		'directory 755 0:0 /',
		'file 0 0:0 /.wh.tmp',
		'directory 755 0:0 /etc',
		'symlink 777 0:0 /etc/way -> ../new',
		'file 644 1000:1000 /home/app/f = mine\nmore',
		'directory 755 0:0 /new',
		'file 4755 0:0 /new/tool = run',
		'directory 755 0:0 /old',
		'file 0 0:0 /old/.wh.a',
		'file 644 0:0 /old/b = b',
		'hardlink 644 0:0 /old/c -> old/b',
	]);
	t.deepEqual(
		layers[2]?.filter(line => !line.includes('/old/b')),
		[
			'directory 755 0:0 /',
			'directory 755 0:0 /etc',
			'directory 755 0:0 /new',
			'file 0 0:0 /new/.wh.tool',
			'file 644 0:0 /new/other = again',
			'directory 755 0:0 /old',
			'file 0 0:0 /old/.wh.c',
		],
	);
	t.true(manyIds || !isRoot || layers.length === 3);
});

sessionTest('what the runtime needs in a root is not in the layer', async (t, act) => {
	const {layers, output} = await act({
		base: 'bare',
		steps: [{run: 'ls / /etc; wc -l < /proc/self/status > /dev/null; echo x > /made'}],
	});
	t.regex(output, /^\/:\nbin\ndev\netc\nproc\nsys\n/);
	t.deepEqual(layers, [['directory 755 0:0 /', 'file 644 0:0 /made = x']]);
});

sessionTest(
	'owners of any id, and files that nobody may read, are in the layer',
	async (t, act) => {
		const {layers, error} = await act({
			steps: [
				{
					run: `mkdir -p /srv/closed && echo data > /srv/closed/db && chown -R 33:44 /srv/closed && chmod 700 /srv/closed
chmod 0 /srv/closed/db; echo shadow > /etc/shadow; chmod 0 /etc/shadow`,
				},
				{run: 'id; touch here; echo $HOME', request: {user: 'app', cwd: '/home/app'}},
			],
		});
		t.is(error, undefined);
		t.deepEqual(layers[0], [
			'directory 755 0:0 /',
			'directory 755 0:0 /etc',
			'file 0 0:0 /etc/shadow = shadow',
			'directory 755 0:0 /srv',
			'directory 700 33:44 /srv/closed',
			'file 0 33:44 /srv/closed/db = data',
		]);
		t.deepEqual(layers[1], ['directory 755 1000:1000 /home/app', 'file 644 1000:1000 /home/app/here']);
	},
	({manyIds}) => manyIds,
);

sessionTest(
	'a user who is alone in his namespace can only run commands as root',
	async (t, act) => {
		const {error, warnings} = await act({steps: [{run: 'true'}, {run: 'true', request: {user: 'app'}}]});
		t.deepEqual(warnings, ['OwnersOutOfRange']);
		t.is(error?.code, 'ERR_RUN_UNAVAILABLE');
		t.regex(error?.message ?? '', /^Sealfile:7: RUN cannot be executed .*does not have the ids 1000:1000/);
		t.regex(error?.hint ?? '', /\/etc\/subuid/);
	},
	({manyIds}) => !manyIds,
);

sessionTest('COPY between two RUNs is seen by the second and not in its layer', async (t, act) => {
	const {layers, output, error} = await act({
		steps: [
			{apply: [{header: folder('early')}, {header: file('early/f'), text: 'early\n'}]},
			{run: 'cat /early/f; echo one > /one'},
			{apply: [{header: file('old/.wh.a', 0, 0)}, {header: file('one'), text: 'two\n'}, {header: file('tmp/t', 7)}]},
			{run: 'cat /one; ls /old; rm /tmp/t'},
		],
	});
	t.is(error, undefined);
	t.is(output, 'early\ntwo\nb\n');
	t.deepEqual(layers[1], ['directory 1777 0:0 /tmp', 'file 0 0:0 /tmp/.wh.t']);
});

sessionTest('WORKDIR, USER and environment reach the command', async (t, act) => {
	const {output, layers} = await act({
		steps: [{run: 'pwd; echo $A; echo $PATH; umask', request: {cwd: '/made/here', env: ['A=1', 'A=2']}}],
	});
	t.is(output, '/made/here\n2\n/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n0022\n');
	t.deepEqual(layers, [['directory 755 0:0 /', 'directory 755 0:0 /made', 'directory 755 0:0 /made/here']]);
});

sessionTest(
	'what the caller does not want for his own files does not shut out the user of a command',
	async (t, act) => {
		const before = process.umask(0o077);
		t.teardown(() => process.umask(before));
		const body = '#!/bin/cat\nscript\n';
		const heredocs = [{name: 'EOF', expand: true, chomp: false, fd: 0, body}];
		const {output, error} = await act({
			steps: [
				{run: 'head -n 1 /etc/hosts; touch /tmp/mine', request: {user: 'app'}},
				{run: '<<EOF', request: {user: 'app', heredocs}},
			],
		});
		t.is(error, undefined);
		t.is(output, `127.0.0.1\tlocalhost sealimage\n${body}`);
	},
	({uid}) => uid === 0,
);

sessionTest('a flood of output does not fill the memory', async (t, act) => {
	const {output, error} = await act({steps: [{run: 'head -c 30000000 /dev/zero'}]});
	t.is(error, undefined);
	t.is(output.length, 30_000_000);
});

sessionTest('heredocs are scripts', async (t, act) => {
	const heredoc = (body: string) => ({name: 'EOF', expand: true, chomp: false, fd: 0, body});
	const {output} = await act({
		steps: [
			{run: '<<EOF', request: {heredocs: [heredoc('set -e\necho shell\n')]}},
			{run: '<<EOF', request: {heredocs: [heredoc('#!/bin/cat\nline\n')]}},
			{run: 'cat <<EOF', request: {heredocs: [heredoc('inner\n')]}},
		],
	});
	t.is(output, 'shell\n#!/bin/cat\nline\ninner\n');
});

sessionTest('caches are kept between builds and are in no layer', async (t, act) => {
	const cache = {mounts: [{type: 'cache', target: '/var/cache'} as const]};
	const locked = {mounts: [{type: 'cache', target: '/x', id: 'l', sharing: 'locked', mode: 0o700} as const]};
	const first = await act({
		steps: [
			{run: 'echo kept > /var/cache/f', request: cache},
			{run: 'echo l > /x/l', request: locked},
		],
	});
	const second = await act({
		steps: [
			{run: 'cat /var/cache/f', request: cache},
			{run: 'cat /x/l; stat -c %a /x', request: locked},
		],
	});
	t.deepEqual([first.error, second.error], [undefined, undefined]);
	t.deepEqual([...first.layers, ...second.layers], [[], [], [], []]);
	t.is(second.output, 'kept\nl\n700\n');
});

sessionTest('secrets are readable in the command and in no layer', async (t, act) => {
	const mounts = [
		{type: 'secret', id: 'token'},
		{type: 'secret', id: 'token', env: 'TOKEN'},
		{type: 'secret', id: 'token', target: '/root/.key', mode: 0o440},
		{type: 'secret', id: 'other'},
	] as const;
	const {layers, output} = await act({
		steps: [
			{
				run: `cat /run/secrets/token; echo " $TOKEN"; stat -c %a /run/secrets/token /root/.key; ls /run/secrets
grep /run/secrets /proc/self/mountinfo`,
				request: {mounts},
				secrets: {token: 's3cret'},
			},
		],
	});
	t.true(output.startsWith('s3cret s3cret\n400\n440\ntoken\n'));
	t.deepEqual(layers, [[]]);
	const source = output.trim().split('\n').at(-1)?.split(' ')[3] ?? '';
	t.regex(source, /secret-0$/);
	t.false(existsSync(source) || existsSync(join('/dev/shm', source)), 'The secret is still there');
});

sessionTest('a required secret that is not given stops the build', async (t, act) => {
	const {error} = await act({
		steps: [{run: 'true', request: {mounts: [{type: 'secret', id: 'token', required: true}]}}],
	});
	t.like(error, {
		code: 'ERR_RUN_MOUNT',
		message: 'The secret "token" is required and was not given (Sealfile:7)',
		hint: 'Add --secret id=token,src=FILE.',
	});
});

sessionTest('bind mounts are read-only, and what is written to writable ones is dropped', async (t, act) => {
	const {layers, output} = await act({
		steps: [
			{
				run: 'cat /in/input; echo no 2>/dev/null > /in/input || echo read-only; cat /one; ls /in',
				request: {
					mounts: [
						{type: 'bind', target: '/in', source: 'src'},
						{type: 'bind', target: 'one', source: '/src/link'},
					],
				},
			},
			{
				run: 'echo yes > /in/new; cat /in/new',
				request: {mounts: [{type: 'bind', target: '/in', source: 'src', readonly: false}]},
			},
			{run: 'ls /in', request: {mounts: [{type: 'bind', target: '/in', source: 'src'}]}},
		],
	});
	t.is(output, 'input\nread-only\ninput\ninput\nlink\nyes\ninput\nlink\n');
	t.deepEqual(layers, [[], [], []]);
});

sessionTest('tmpfs mounts have their size and vanish', async (t, act) => {
	const {layers, output} = await act({
		steps: [
			{
				run: 'head -c 2000000 /dev/zero > /scratch/big 2>/dev/null || echo full',
				request: {mounts: [{type: 'tmpfs', target: '/scratch', sizeBytes: 1 << 20}]},
			},
		],
	});
	t.is(output, 'full\n');
	t.deepEqual(layers, [[]]);
});

sessionTest('--network=none has a network of its own, the default shares that of the machine', async (t, act) => {
	const {output} = await act({
		steps: [{run: 'readlink /proc/self/ns/net', request: {network: 'none'}}, {run: 'readlink /proc/self/ns/net'}],
	});
	const [none, shared] = output.trim().split('\n');
	t.not(none, shared);
	t.is(shared, readlinkSync('/proc/self/ns/net'));
});

sessionTest('extended attributes stay with a file that a command changes', async (t, act) => {
	const header = {...file('noted'), xattrs: {'user.note': Buffer.from('hello')}};
	const {layers, warnings} = await act({
		base: 'bare',
		steps: [{apply: [{header, text: 'x'}]}, {run: 'chmod 600 /noted'}],
	});
	if (warnings.includes('XattrsSkipped')) t.log('the temporary folder takes no extended attributes');
	else t.deepEqual(layers, [['file 600 0:0 /noted user.note=hello = x']]);
});

sessionTest('a failing command is reported with its place, its status and its last words', async (t, act) => {
	const {error} = await act({steps: [{run: 'echo fine; echo wrong >&2; exit 3'}]});
	t.like(error, {
		code: 'ERR_RUN_FAILED',
		message: 'Sealfile:7: The command "echo fine; echo wrong >&2; exit 3" ended with exit code 3\n    wrong',
	});
});

sessionTest('a command that kills itself is reported with the signal', async (t, act) => {
	const {error} = await act({steps: [{run: 'sh -c "kill -9 \\$\\$"; exit $?'}]});
	t.regex(error?.message ?? '', /ended with exit code 137 \(SIGKILL, as when memory runs out\)/);
});

sessionTest('a program that is not there is named', async (t, act) => {
	const {error} = await act({
		steps: [{run: '', request: {command: {form: 'json', argv: ['no-such-program']}}}],
	});
	t.is(error?.code, 'ERR_RUN_FAILED');
	t.regex(error?.message ?? '', /no-such-program/);
});

sessionTest('an image without a shell cannot run, and the error says so', async (t, act) => {
	const {error} = await act({base: 'empty', steps: [{run: 'true'}]});
	t.is(error?.code, 'ERR_RUN_UNAVAILABLE');
	t.regex(error?.message ?? '', /^Sealfile:7: RUN cannot be executed for linux\/\w+: the image has no \/bin\/sh$/);
});

sessionTest('an abort kills the command and leaves no process', async (t, act) => {
	const {error} = await act({
		abortAfterMs: 50,
		steps: [{run: 'echo begun; sleep 98765 & sleep 98765'}],
	});
	t.is(error?.message, 'stopped by the caller');
	t.deepEqual(processesWith('98765'), []);
});

sessionTest('processes that a command leaves behind end with it', async (t, act) => {
	const {output} = await act({steps: [{run: 'sleep 97531 & echo done'}]});
	t.is(output, 'done\n');
});

peerTest('without a runtime the error names the line, the reason and the ways out', ['busybox'], async (t, scratch) => {
	const {error} = await playSession({
		dir: scratch,
		searchPath: ['/nonexistent'],
		steps: [{run: 'true'}],
	});
	t.is(error?.code, 'ERR_RUN_UNAVAILABLE');
	if (isRoot) {
		t.regex(error?.message ?? '', /^Sealfile:7: .*neither crun nor runc is installed$/);
		t.regex(error?.hint ?? '', /^Install crun or runc, or move the work out of RUN/);
	}
});

peerTest('another architecture without emulation is refused before anything is unpacked', [], async (t, scratch) => {
	writeFileSync(join(scratch, 'marker'), '');
	const {error} = await playSession({
		...{dir: scratch, base: 'empty', platform: {os: 'linux', architecture: 'pdp11'}},
		steps: [{apply: [{header: entryOf(folder('x')).header}]}, {run: 'true'}],
	});
	t.is(error?.code, 'ERR_RUN_UNAVAILABLE');
	t.regex(error?.message ?? '', /has no emulation of linux\/pdp11/);
	t.regex(error?.hint ?? '', /qemu/);
});

for (const player of players()) {
	peerTest(
		`the command of a build that is killed ends soon after (${player.name})`,
		['runc', 'busybox'],
		async (t, scratch) => {
			chmodSync(scratch, 0o755);
			const child = startSession(player, {dir: join(scratch, 'session'), steps: [{run: 'exec sleep 86420'}]});
			t.true(await eventually(() => processesWith('sleep\0' + '86420').length > 0), 'It did not start');
			child.kill('SIGKILL');
			t.true(await eventually(() => processesWith('sleep\0' + '86420').length === 0), 'It still runs');
			// The worker of an ordinary user removes its files as well; those of root are swept when the store is opened again.
			const left = () => readdirSync(join(scratch, 'session/scratch')).length;
			if (player.uid !== 0) t.true(await eventually(() => left() === 0), 'Files are left');
		},
	);
}
