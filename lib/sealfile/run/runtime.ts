import {spawn} from 'node:child_process';
import {constants} from 'node:fs';
import {access, mkdir, readFile, rm, writeFile} from 'node:fs/promises';
import {basename, isAbsolute, join} from 'node:path';
import type {Abortable} from '../../core/events.js';
import {bundleConfig, type UserNamespace} from './bundle.js';

/** An OCI runtime that was seen to work here. */
export interface Runtime {
	readonly name: string;
	readonly path: string;
	/** Arguments before the verb. */
	readonly globalArgs: readonly string[];
}

export type FoundRuntime =
	| {readonly runtime: Runtime; readonly reason?: undefined; readonly obstacle?: undefined}
	/** Why none will do, as a sentence without its period. */
	| {readonly runtime?: undefined; readonly reason: string; readonly obstacle: 'no runtime' | 'runtime fails'};

export interface RuntimeOptions extends Abortable {
	readonly scratchDir: string;
	readonly runtimes?: readonly string[] | undefined;
	readonly searchPath?: readonly string[] | undefined;
	readonly userNamespace: UserNamespace | undefined;
}

export const systemPath: readonly string[] = [
	'/usr/local/sbin',
	'/usr/local/bin',
	'/usr/sbin',
	'/usr/bin',
	'/sbin',
	'/bin',
];

const defaultRuntimes = ['crun', 'runc'];

/**
 * The first runtime that can really make a container here: each candidate is asked to create one (which makes every
 * namespace and mount, and runs nothing) and to delete it again.
 */
export async function findRuntime(options: RuntimeOptions): Promise<FoundRuntime> {
	const reasons: string[] = [];
	for (const name of options.runtimes ?? defaultRuntimes) {
		options.signal?.throwIfAborted();
		const path = await findProgram(name, options.searchPath);
		if (path === undefined) continue;
		const runtime: Runtime = {name, path, globalArgs: globalArgs(name)};
		const reason = await probe(runtime, options);
		if (reason === undefined) return {runtime};
		reasons.push(`${name} cannot make a container here (${reason})`);
	}
	const names = (options.runtimes ?? defaultRuntimes).join(' nor ');
	if (reasons.length > 0) return {obstacle: 'runtime fails', reason: reasons.join('; ')};
	return {obstacle: 'no runtime', reason: `neither ${names} is installed`};
}

/** The absolute path of a program, or undefined. */
export async function findProgram(
	name: string,
	searchPath: readonly string[] = systemPath,
): Promise<string | undefined> {
	for (const path of isAbsolute(name) ? [name] : searchPath.map(folder => join(folder, name))) {
		try {
			await access(path, constants.X_OK);
			return path;
		} catch {
			// Not here; look further.
		}
	}
	return undefined;
}

/** crun would ask systemd for a cgroup; a build needs none. runc has no such switch and makes do without where it has to. */
function globalArgs(name: string): readonly string[] {
	return /(?:^|\/)crun$/.test(name) ? ['--cgroup-manager=disabled'] : [];
}

async function probe(runtime: Runtime, options: RuntimeOptions): Promise<string | undefined> {
	const dir = join(options.scratchDir, 'probe');
	const rootDir = join(dir, 'rootfs');
	try {
		for (const name of ['', 'proc', 'sys', 'dev']) await mkdir(join(rootDir, name), {recursive: true});
		// Looked up by the runtime, never started.
		await writeFile(join(rootDir, 'probe'), '', {mode: 0o755});
		const config = bundleConfig({
			rootDir,
			argv: ['/probe'],
			env: [],
			cwd: '/',
			user: {uid: 0, gid: 0, additionalGids: [], home: '/'},
			mounts: [],
			network: 'host',
			insecure: false,
			userNamespace: options.userNamespace,
		});
		await writeFile(join(dir, 'config.json'), JSON.stringify(config));
		const log = join(dir, 'log');
		const common = [...runtime.globalArgs, '--root', join(dir, 'state')];
		const name = containerName(options.scratchDir);
		const created = await call(runtime.path, [...common, '--log', log, 'create', '--bundle', dir, name], dir);
		const text = created === 0 ? '' : await readFile(log, 'utf8').catch(() => '');
		await call(runtime.path, [...common, 'delete', '--force', name], dir);
		return created === 0 ? undefined : (lastMessage(text) ?? `exit code ${created}`);
	} finally {
		await rm(dir, {recursive: true, force: true});
	}
}

async function call(path: string, args: readonly string[], runtimeDir: string): Promise<number> {
	return await new Promise(resolve => {
		const child = spawn(path, args, {stdio: 'ignore', env: runtimeEnv(runtimeDir), timeout: 30_000});
		child.on('error', () => resolve(-1));
		child.on('close', code => resolve(code ?? -1));
	});
}

/** Names a container after its scratch folder: cgroups are named after it too, and they are one tree for the machine. */
export function containerName(scratchDir: string): string {
	return `sealimage-${process.pid}-${basename(scratchDir)}`;
}

/** Runtimes get no more of the environment than they need; crun wants a folder of its own to write to. */
export function runtimeEnv(runtimeDir: string): NodeJS.ProcessEnv {
	return {PATH: systemPath.join(':'), XDG_RUNTIME_DIR: runtimeDir, HOME: '/'};
}

/** The text of the last error in a runtime's log, which is JSON lines or logfmt or plain. */
export function lastMessage(log: string): string | undefined {
	const line = log
		.trim()
		.split('\n')
		.findLast(text => text !== '' && !/level"?[=:]"?(?:warn|info|debug)/.test(text));
	if (line === undefined) return undefined;
	const quoted = /msg"?[=:]\s*"((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
	return (quoted === undefined ? line : quoted.replaceAll(/\\(.)/g, '$1')).slice(0, 500);
}
