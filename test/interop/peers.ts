import {execFile, spawn} from 'node:child_process';
import {accessSync, constants, mkdirSync, writeFileSync} from 'node:fs';
import {connect} from 'node:net';
import {delimiter, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {ExecutionContext} from 'ava';
import {freePort} from '../helpers/free-port.js';

/** Other tools that judge what we make. All are in Debian; `.ci/install` lists the packages. */
export type Peer =
	| 'buildah'
	| 'busybox'
	| 'conntrack'
	| 'containerd'
	| 'ctr'
	| 'docker-registry'
	| 'ip'
	| 'openssl'
	| 'podman'
	| 'python3'
	| 'qemu-aarch64-static'
	| 'runc'
	| 'skopeo'
	| 'ssh'
	| 'ssh-agent'
	| 'ssh-keygen'
	| 'sshd'
	| 'tar'
	| 'umoci'
	| 'zstd';

/** These mount, chown or start containers. */
const needRoot: ReadonlySet<Peer> = new Set([
	'buildah',
	'conntrack',
	'containerd',
	'ip',
	'podman',
	'qemu-aarch64-static',
	'sshd',
	'umoci',
]);

export function isUsable(peer: Peer): boolean {
	return onPath(peer) && (!needRoot.has(peer) || process.getuid?.() === 0);
}

export function onPath(name: string): boolean {
	return `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter).some(folder => {
		try {
			accessSync(join(folder, name), constants.X_OK);
			return true;
		} catch {
			return false;
		}
	});
}

export interface RunOptions {
	readonly cwd?: string;
	readonly env?: Readonly<Record<string, string>>;
	readonly timeoutMs?: number;
}

/** Runs a program to its end and gives its standard output. Rejects with the end of its messages. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
	const [program = '', ...args] = argv;
	const {cwd, env, timeoutMs = 120_000} = options;
	return new Promise((resolve, reject) => {
		execFile(
			program,
			args,
			{
				cwd,
				env: {...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, ...env},
				timeout: timeoutMs,
				killSignal: 'SIGKILL',
				maxBuffer: 256 << 20,
			},
			(error, stdout, stderr) => {
				if (error === null) resolve(stdout);
				else reject(new Error(`${argv.join(' ')}\nended with ${error.code ?? error.signal}\n${stderr.slice(-4000)}`));
			},
		);
	});
}

export type Command = (...args: string[]) => Promise<string>;

/** Buildah with storage of its own below `home`; nothing of the user's is read or written. */
export function buildahIn(home: string): Command {
	return storageTool('buildah', home);
}

/** Podman with storage of its own below `home`. */
export function podmanIn(home: string): Command {
	return storageTool('podman', home);
}

function storageTool(name: string, home: string): Command {
	const temporary = join(home, 'tmp');
	mkdirSync(temporary, {recursive: true});
	const roots = ['--root', join(home, 'root'), '--runroot', join(home, 'runroot'), '--storage-driver', 'vfs'];
	return (...args) => run([name, ...roots, ...args], {env: {TMPDIR: temporary}, timeoutMs: 300_000});
}

export const skopeo: Command = (...args) => run(['skopeo', ...args]);

/** Unpacks an image of an OCI layout with umoci, a third party to every comparison; `target` must not exist. */
export async function umociUnpack(layout: string, tag: string, target: string): Promise<void> {
	await run(['umoci', 'raw', 'unpack', '--image', `${layout}:${tag}`, target]);
}

export interface StockRegistryOptions {
	readonly htpasswd?: string;
	readonly tls?: {readonly cert: string; readonly key: string};
	/** Serve this registry's images, fetched when they are asked for. */
	readonly proxyOf?: string;
	readonly deletes?: boolean;
}

/** Serves a folder in the stock layout with Debian's docker-registry; gives `127.0.0.1:port`. Ends with the test. */
export async function startRegistry(
	t: ExecutionContext,
	root: string,
	scratch: string,
	{htpasswd, tls, proxyOf, deletes = false}: StockRegistryOptions = {},
): Promise<string> {
	const port = await freePort();
	const config = join(scratch, `registry-${port}.yml`);
	writeFileSync(
		config,
		[
			'version: 0.1',
			`storage: {filesystem: {rootdirectory: ${root}}, delete: {enabled: ${deletes}}}`,
			`http: {addr: "127.0.0.1:${port}"${tls === undefined ? '' : `, tls: {certificate: ${tls.cert}, key: ${tls.key}}`}}`,
			...(htpasswd === undefined ? [] : [`auth: {htpasswd: {realm: stock, path: ${htpasswd}}}`]),
			...(proxyOf === undefined ? [] : [`proxy: {remoteurl: "http://${proxyOf}"}`]),
			'log: {level: error, accesslog: {disabled: true}}',
		].join('\n'),
	);
	startServer(t, ['docker-registry', 'serve', config]);
	await untilTrue(() => accepts(port), 'docker-registry');
	return `127.0.0.1:${port}`;
}

/** Starts containerd with everything below `home`; gives `ctr` connected to it. Ends with the test. */
export async function startContainerd(
	t: ExecutionContext,
	home: string,
	options: {
		/** Answer the kubelet's interface too, with registries set up by this folder (`certs.d`). */
		readonly cri?: {readonly certs: string};
	} = {},
): Promise<Command> {
	const socket = join(home, 'c.sock');
	const config = join(home, 'config.toml');
	writeFileSync(
		config,
		[
			'version = 2',
			`root = "${join(home, 'root')}"`,
			`state = "${join(home, 'state')}"`,
			...(options.cri === undefined
				? ['disabled_plugins = ["io.containerd.grpc.v1.cri"]']
				: [
						'[plugins."io.containerd.grpc.v1.cri".containerd]',
						'snapshotter = "native"',
						'[plugins."io.containerd.grpc.v1.cri".registry]',
						`config_path = "${options.cri.certs}"`,
					]),
			'[grpc]',
			`address = "${socket}"`,
		].join('\n'),
	);
	startServer(t, ['containerd', '--config', config]);
	const ctr: Command = (...args) => run(['ctr', '--address', socket, ...args]);
	await untilTrue(async () => (await ctr('version')) !== '', 'containerd');
	return ctr;
}

export function startServer(t: ExecutionContext, argv: readonly string[]): void {
	const [program = '', ...args] = argv;
	const server = spawn(program, args, {stdio: 'ignore', env: {...process.env, PATH: `${process.env.PATH}:/usr/sbin`}});
	const ended = new Promise<void>(resolve => {
		server.once('exit', () => resolve());
		server.once('error', () => resolve());
	});
	t.teardown(async () => {
		server.kill('SIGTERM');
		await Promise.race([ended, sleep(10_000, undefined, {ref: false})]);
		server.kill('SIGKILL');
	});
}

export function accepts(port: number): Promise<boolean> {
	return new Promise(resolve => {
		const socket = connect(port, '127.0.0.1', () => {
			socket.destroy();
			resolve(true);
		});
		socket.once('error', () => resolve(false));
	});
}

export async function untilTrue(check: () => Promise<boolean>, what: string): Promise<void> {
	const deadline = Date.now() + 30_000;
	while (Date.now() < deadline) {
		if (await check().catch(() => false)) return;
		await sleep(100);
	}
	throw new Error(`${what} did not start within 30 seconds`);
}
