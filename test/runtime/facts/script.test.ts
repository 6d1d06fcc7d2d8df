import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import test from 'ava';
import type {HostFacts} from '../../../lib/runtime/facts/facts.js';
import {readFacts} from '../../../lib/runtime/facts/read.js';
import {factsScript} from '../../../lib/runtime/facts/script.js';
import {defaultWanted, type Wanted} from '../../../lib/runtime/facts/wanted.js';
import {tempDir} from '../../helpers/temp-dir.js';
import {nothingMore} from '../../helpers/wanted.js';

/** Those of the shells that this machine has. `--norc`: bash takes the socket that a test gives it for a login through rsh. Called as `sh`, it does not. */
const shells = [['sh'], ['dash'], ['bash', '--norc'], ['bash', '--norc', '--posix'], ['busybox', 'sh']].filter(
	([program]) => existsSync(`/bin/${program!}`),
);

for (const shell of shells) {
	test(`${shell.join(' ')} tells the same about this machine as its files do`, t => {
		const {facts, complaints} = run(shell, factsScript(defaultWanted));
		t.is(complaints, '');
		t.is(facts.identity.hostname, readFileSync('/proc/sys/kernel/hostname', 'utf8').trim());
		t.is(facts.kernel.release, readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim());
		t.is(facts.uid, process.getuid?.());
		t.is(facts.hardware.memoryBytes, memoryBytes());
		t.deepEqual(
			facts.paths.map(({path}) => path),
			defaultWanted.paths,
		);
		t.true(facts.paths.every(({totalBytes, freeBytes}) => totalBytes! >= freeBytes! && totalBytes! > 0));
	});

	test(`${shell.join(' ')} finds a port that this test listens on, and who does`, async t => {
		const server = createServer();
		await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
		try {
			const {port} = server.address() as {port: number};
			const {facts} = run(shell, factsScript(defaultWanted));
			const found = facts.ports.find(one => one.port === port && one.protocol === 'tcp');
			t.like(found, {address: '127.0.0.1', pid: process.pid, uid: process.getuid?.()});
		} finally {
			server.close();
		}
	});

	test(`${shell.join(' ')} needs no tool but itself`, t => {
		const {facts, complaints} = run(shell, without(tempDir(t)));
		t.is(complaints, '');
		t.is(facts.identity.hostname, readFileSync('/proc/sys/kernel/hostname', 'utf8').trim());
		t.is(facts.hardware.memoryBytes, memoryBytes());
		t.is(facts.paths.length, defaultWanted.paths.length);
		// busybox holds its tools in itself, and asks no PATH for them.
		if (shell[0] !== 'busybox') t.is(facts.clock.offsetMs, undefined);
	});

	test(`${shell.join(' ')} takes names to look for that hold anything`, t => {
		const folder = join(tempDir(t), `it's $(touch never) "a" \\ ; *`);
		mkdirSync(folder);
		writeFileSync(join(folder, 'x'), '');
		const {facts, complaints} = run(shell, factsScript({...nothingMore, paths: [folder], present: [folder]}), {
			...nothingMore,
			paths: [folder],
			present: [folder],
		});
		t.is(complaints, '');
		t.is(facts.paths[0]?.existing, folder);
		t.deepEqual(facts.software.present, [folder]);
	});
}

test('an empty folder is not there, one with a hidden file is', t => {
	const folder = tempDir(t);
	mkdirSync(join(folder, 'empty'));
	mkdirSync(join(folder, 'hidden'));
	writeFileSync(join(folder, 'hidden/.keep'), '');
	const wanted = {...nothingMore, present: [join(folder, 'empty'), join(folder, 'hidden'), join(folder, 'none')]};
	t.deepEqual(run(['sh'], factsScript(wanted), wanted).facts.software.present, [join(folder, 'hidden')]);
});

test('what is not there yet is on the file system of the folder above it', t => {
	const folder = tempDir(t);
	symlinkSync(folder, join(folder, 'link'));
	const wanted = {...nothingMore, paths: [join(folder, 'link/a/b/c')]};
	t.is(run(['sh'], factsScript(wanted), wanted).facts.paths[0]?.existing, folder);
});

test('variables of the environment change nothing', t => {
	const env = {
		PATH: '/nowhere',
		IFS: 'abc',
		CDPATH: '/',
		GREP_OPTIONS: '-v',
		POSIXLY_CORRECT: '1',
		LC_ALL: 'de_DE',
		nl: 'x',
	};
	const {facts, complaints} = run(['sh'], factsScript(defaultWanted), defaultWanted, env);
	t.is(complaints, '');
	t.is(facts.identity.hostname, readFileSync('/proc/sys/kernel/hostname', 'utf8').trim());
});

test('the script is short enough to be sent in one packet, and loads no module', t => {
	const script = factsScript(defaultWanted);
	t.true(script.length < 32_768);
	t.notRegex(script, /^\s*(?:modprobe|insmod)\b/m);
});

function run(
	shell: readonly string[],
	script: string,
	wanted: Wanted = defaultWanted,
	env: Record<string, string> = {PATH: '/usr/sbin:/usr/bin:/sbin:/bin'},
): {facts: HostFacts; complaints: string} {
	const done = spawnSync(`/bin/${shell[0]!}`, [...shell.slice(1), '-c', 'eval "$(/bin/cat)"'], {
		input: script,
		env,
		maxBuffer: 64 << 20,
	});
	const facts = readFacts('here', done.stdout, wanted, {sentMs: Date.now(), receivedMs: Date.now()});
	return {facts, complaints: done.stderr.toString()};
}

/** The script on a machine whose every tool is missing. */
function without(folder: string): string {
	return factsScript(defaultWanted).replace(/^PATH=.*$/m, `PATH=${folder}`);
}

function memoryBytes(): number {
	return Number(/^MemTotal:\s+(\d+) kB/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
}
