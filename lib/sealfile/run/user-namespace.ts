import {type ChildProcess, spawn} from 'node:child_process';
import {readFile} from 'node:fs/promises';
import {userInfo} from 'node:os';
import {findIdRange, type IdRange} from './id-map.js';
import {findProgram, runtimeEnv} from './runtime.js';

/** Why no user namespace can be made, as a sentence without its period. */
export class NamespaceRefused extends Error {}

/**
 * Starts a Node program as root of a new user namespace: this user is its root, the user's ranges in /etc/subuid and
 * /etc/subgid are its other ids; without them (or without newuidmap) there is root alone. The child has an IPC channel.
 * @throws NamespaceRefused
 */
export async function spawnInUserNamespace(
	program: string,
	searchPath: readonly string[] | undefined,
): Promise<ChildProcess> {
	const unshare = await findProgram('unshare', searchPath);
	if (unshare === undefined) throw new NamespaceRefused('there is no unshare (util-linux), and you are not root');
	const ranges = await readRanges();
	const newuidmap = await findProgram('newuidmap', searchPath);
	const newgidmap = await findProgram('newgidmap', searchPath);
	if (ranges !== undefined && newuidmap !== undefined && newgidmap !== undefined) {
		const child = start(unshare, ['-U', '--', '/bin/sh', '-c', 'echo && read _ && exec "$@"', 'sh'], program);
		try {
			await firstByte(child);
			const {uid, gid} = userInfo();
			await map(newuidmap, child.pid as number, uid, ranges.uids);
			await map(newgidmap, child.pid as number, gid, ranges.gids);
			child.stdin?.end('\n');
			return child;
		} catch (error) {
			child.kill('SIGKILL');
			// newuidmap without its setuid bit, as in some containers: root alone may still work.
			if (!(error instanceof MapRefused)) throw error;
		}
	}
	const child = start(unshare, ['-U', '-r', '--', '/bin/sh', '-c', 'echo && exec "$@"', 'sh'], program);
	await firstByte(child);
	return child;
}

class MapRefused extends Error {}

async function readRanges(): Promise<{uids: IdRange; gids: IdRange} | undefined> {
	const {username, uid} = userInfo();
	const [uids, gids] = await Promise.all(
		['/etc/subuid', '/etc/subgid'].map(async path => {
			const text = await readFile(path, 'utf8').catch(() => '');
			return findIdRange(text, username, uid);
		}),
	);
	return uids === undefined || gids === undefined ? undefined : {uids, gids};
}

function start(unshare: string, args: readonly string[], program: string): ChildProcess {
	const child = spawn(unshare, [...args, process.execPath, program], {
		stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
		serialization: 'advanced',
		env: runtimeEnv('/tmp'),
		// A Ctrl-C at the terminal is for the session to judge.
		detached: true,
	});
	// Whoever waits for it sees its end; without a listener the event would end this process.
	child.on('error', () => undefined);
	return child;
}

/** Waits until the shell inside of the namespace has said that it is there. */
async function firstByte(child: ChildProcess): Promise<void> {
	let said = '';
	child.stderr?.on('data', (chunk: Buffer) => {
		said = (said + chunk.toString()).slice(-2000);
	});
	child.stdin?.on('error', () => undefined);
	await new Promise<void>((resolve, reject) => {
		child.stdout?.once('data', () => resolve());
		child.once('error', error => reject(new NamespaceRefused(`no user namespace can be made (${error.message})`)));
		child.once('exit', () => {
			const why = said.trim().split('\n').at(-1) ?? '';
			reject(new NamespaceRefused(`no user namespace can be made (${why === '' ? 'unshare failed' : why})`));
		});
	});
	child.stdout?.resume();
}

async function map(program: string, pid: number, own: number, range: IdRange): Promise<void> {
	const args = [pid, 0, own, 1, 1, range.start, range.count].map(String);
	const code = await new Promise<number>(resolve => {
		const child = spawn(program, args, {stdio: 'ignore', env: runtimeEnv('/tmp')});
		child.on('error', () => resolve(-1));
		child.on('close', status => resolve(status ?? -1));
	});
	if (code !== 0) throw new MapRefused();
}
