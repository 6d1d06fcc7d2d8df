import {chmodSync, lchownSync, mkdirSync} from 'node:fs';
import {mkdir, mkdtemp, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {SealError} from '../../core/errors.js';
import {type Abortable, emit} from '../../core/events.js';
import {diskPath, lstatIfExists} from '../../oci/disk/path.js';
import {removeTree} from '../../oci/disk/remove.js';
import {writeToDisk} from '../../oci/disk/write.js';
import {readXattrs} from '../../oci/disk/xattrs.js';
import type {LayerEntry} from '../../oci/entry.js';
import type {LayerSource} from '../../oci/layer/content.js';
import {applyEntries, type ImageTree, lookup, resolvePath, walkTree} from '../../oci/tree/tree.js';
import {type RunCommand, runCommand} from '../evaluate/run-command.js';
import {basicMounts} from './basic-mounts.js';
import {bundleConfig, type UserNamespace} from './bundle.js';
import {changeEntries, compareSnapshots, withOtherNames} from './changes.js';
import {findTouchedContents} from './content-compare.js';
import {whyNotRunnable} from './emulation.js';
import {mapsId} from './id-map.js';
import {type MountTarget, makeMountpoints} from './mountpoints.js';
import {type PreparedMounts, targetPath, withMounts} from './mounts.js';
import {type ContainerResult, runContainer} from './process.js';
import {runFailed, runUnavailable} from './run-errors.js';
import {findRuntime, type Runtime} from './runtime.js';
import {type Snapshot, takeSnapshot} from './snapshot.js';
import type {Rootfs, RootfsOptions, RunRequest, RunResult} from './types.js';
import {type ImageUser, lookUpUser} from './user.js';

export interface LocalRootfsOptions extends RootfsOptions {
	readonly userNamespace: UserNamespace | undefined;
	/** Asked after output was passed on: where it is not taken fast enough, the command has to wait. */
	readonly taken?: (() => Promise<void>) | undefined;
}

/** A session of a process that is root: of the machine, or of a user namespace made for it. */
export class LocalRootfs implements Rootfs {
	#tree: ImageTree;
	readonly #store: LayerSource;
	readonly #options: LocalRootfsOptions;
	/** What came before the first run, in order. */
	#pending: LayerEntry[][] = [];
	#dir: string | undefined;
	#runtime: Runtime | undefined;
	#snapshot: Snapshot | undefined;
	#unpacked = false;
	#closed = false;

	constructor(tree: ImageTree, store: LayerSource, options: LocalRootfsOptions) {
		this.#tree = tree;
		this.#store = store;
		this.#options = options;
	}

	async apply(entries: Iterable<LayerEntry>, options: Abortable = {}): Promise<void> {
		this.#checkOpen();
		const list = [...entries];
		if (!this.#unpacked) {
			this.#pending.push(list);
			return;
		}
		await this.#write(list, options);
	}

	async run(request: RunRequest): Promise<RunResult> {
		this.#checkOpen();
		request.signal?.throwIfAborted();
		const reason = whyNotRunnable(this.#options.platform);
		if (reason !== undefined) throw runUnavailable(request, this.#options.platform, 'emulation', reason);
		const dir = await this.#makeDir();
		this.#runtime ??= await this.#findRuntime(request, dir);
		await this.#unpack(request);
		const user = lookUpUser(request.user ?? '', {
			passwd: await this.#readText('etc/passwd'),
			group: await this.#readText('etc/group'),
		});
		this.#checkIds(request, user);
		const command = runCommand(request, {Shell: request.shell});
		this.#checkProgram(request, command);
		const before = this.#snapshot ?? (await takeSnapshot(this.#rootDir, request));
		this.#snapshot = undefined;
		const takenMs = performance.now();
		const workDir = await mkdtemp(join(dir, 'run-'));
		const hasSecrets = request.mounts.some(({type}) => type === 'secret');
		const secretDir = hasSecrets ? await makeSecretDir(workDir) : workDir;
		try {
			const context = {
				...{tree: this.#tree, store: this.#store, scratchDir: workDir, secretDir, cacheDir: this.#options.cacheDir},
				...{owners: true, signal: request.signal, onEvent: request.onEvent},
			};
			await withMounts(request, context, async prepared => {
				// Stamps of files that the kernel's clock cannot tell from the snapshot would hide a change.
				await sleep(Math.max(0, clockStepMs - (performance.now() - takenMs)));
				await this.#execute(request, command, {user, prepared, workDir, secretDir});
			});
		} finally {
			await removeTree(secretDir);
			await removeTree(workDir);
		}
		return await this.#collect(before, request);
	}

	async close(): Promise<void> {
		this.#closed = true;
		this.#pending = [];
		if (this.#dir !== undefined) await removeTree(this.#dir);
		this.#dir = undefined;
	}

	get #rootDir(): string {
		return join(this.#dir as string, 'rootfs');
	}

	#checkOpen(): void {
		if (this.#closed) throw new SealError('ERR_INTERNAL', 'The RUN session is closed');
	}

	async #makeDir(): Promise<string> {
		this.#dir ??= await mkdtemp(join(this.#options.scratchDir, 'rootfs-'));
		return this.#dir;
	}

	async #findRuntime(request: RunRequest, dir: string): Promise<Runtime> {
		const found = await findRuntime({...this.#options, scratchDir: dir, signal: request.signal});
		if (found.runtime === undefined)
			throw runUnavailable(request, this.#options.platform, found.obstacle, found.reason);
		return found.runtime;
	}

	async #unpack(options: Abortable): Promise<void> {
		if (!this.#unpacked) {
			await mkdir(this.#rootDir);
			await writeToDisk(walkTree(this.#tree), this.#store, this.#rootDir, this.#writeOptions(true, options));
			this.#unpacked = true;
		}
		for (const entries of this.#pending.splice(0)) await this.#write(entries, options);
	}

	async #write(entries: readonly LayerEntry[], options: Abortable): Promise<void> {
		this.#snapshot = undefined;
		await writeToDisk(entries, this.#store, this.#rootDir, this.#writeOptions(false, options));
		this.#tree = applyEntries(this.#tree, entries);
	}

	#writeOptions(fresh: boolean, options: Abortable): Parameters<typeof writeToDisk>[3] {
		return {owners: true, fresh, onEvent: this.#options.onEvent, signal: options.signal};
	}

	/** A small text file of the image, wherever its symbolic links lead inside of the image; '' when there is none. */
	async #readText(path: string): Promise<string> {
		const real = resolvePath(this.#tree, path);
		const node = lookup(this.#tree, real);
		if (node?.header.type !== 'file' || node.header.size > textLimitBytes) return '';
		return await readFile(diskPath(this.#rootDir, real), 'utf8');
	}

	/** In a namespace of one id nobody but root can be. */
	#checkIds(request: RunRequest, {uid, gid}: ImageUser): void {
		const {userNamespace, platform} = this.#options;
		if (mapsId(userNamespace?.uidMap, uid) && mapsId(userNamespace?.gidMap, gid)) return;
		throw runUnavailable(
			request,
			platform,
			'ids missing',
			`your user namespace does not have the ids ${uid}:${gid} of the user`,
		);
	}

	/** The most common reason why nothing runs, told apart from a command that is not found. */
	#checkProgram(request: RunRequest, {argv, script}: RunCommand): void {
		const [program] = argv;
		if (program === undefined || program === '') {
			throw new SealError('ERR_RUN_FAILED', `${request.file}:${request.line}: RUN has no command`);
		}
		if (script !== undefined || !program.startsWith('/')) return;
		const targets = request.mounts.map(mount => mount.target).filter(target => target !== undefined);
		if (targets.some(target => program.startsWith(targetPath(request, target)))) return;
		if (lookup(this.#tree, resolvePath(this.#tree, program)) === undefined) {
			throw runUnavailable(request, this.#options.platform, 'program missing', `the image has no ${program}`);
		}
	}

	async #execute(
		request: RunRequest,
		{argv, script}: RunCommand,
		{user, prepared, workDir, secretDir}: Preparation,
	): Promise<void> {
		const basics = await basicMounts(this.#tree, workDir, script);
		const all = [...basics, ...prepared.mounts];
		const targets = [...kernelTargets, ...all.map(({target}) => target)].filter(({path}, _, list) =>
			// What lies on another mount is made by the runtime, on that mount.
			list.every(other => !path.startsWith(`${other.path}/`)),
		);
		this.#makeWorkdir(request, user);
		const mountpoints = makeMountpoints(this.#rootDir, targets);
		let result: ContainerResult;
		try {
			const config = bundleConfig({
				...{rootDir: this.#rootDir, argv, user, cwd: request.cwd ?? '/'},
				env: [...request.env, ...prepared.env],
				mounts: all.map(({mount}) => mount),
				network: request.network === 'none' ? 'none' : 'host',
				insecure: request.security === 'insecure',
				userNamespace: this.#options.userNamespace,
			});
			result = await runContainer(this.#runtime as Runtime, config, {
				...request,
				...{bundleDir: workDir, secretDir, taken: this.#options.taken},
			});
		} finally {
			mountpoints.clear();
		}
		this.#judge(request, result);
	}

	#judge(request: RunRequest, result: ContainerResult): void {
		if (result.exitCode === 0) return;
		const {runtimeError} = result;
		if (runtimeError === undefined) throw runFailed(request, result);
		if (/exec format error/i.test(runtimeError)) {
			throw runUnavailable(
				request,
				this.#options.platform,
				'emulation',
				`a program in the image is for another architecture and there is no emulation of it (${runtimeError})`,
			);
		}
		const tail = [...result.tail, runtimeError].filter(line => line !== '');
		throw runFailed(request, {...result, tail});
	}

	/** WORKDIR has made its folder, as a rule; where it did not, the folder is made here and gets into the layer. */
	#makeWorkdir(request: RunRequest, user: ImageUser): void {
		let path = '';
		for (const part of resolvePath(this.#tree, request.cwd ?? '/').split('/')) {
			path = path === '' ? part : `${path}/${part}`;
			const full = diskPath(this.#rootDir, path);
			if (path === '' || lstatIfExists(full) !== undefined) continue;
			mkdirSync(full, 0o700);
			lchownSync(full, user.uid, user.gid);
			chmodSync(full, 0o755);
		}
	}

	async #collect(before: Snapshot, request: RunRequest): Promise<RunResult> {
		const after = await takeSnapshot(this.#rootDir, request);
		const differences = compareSnapshots(before, after);
		const candidates = [...differences.changed, ...differences.suspects];
		const {xattrs} = await readXattrs(this.#rootDir, candidates, {signal: request.signal});
		const touched = await findTouchedContents(differences.suspects, {
			...{rootDir: this.#rootDir, tree: this.#tree, store: this.#store, after, xattrs, signal: request.signal},
		});
		const changed = withOtherNames(new Set([...differences.changed, ...touched]), after);
		const entries = changeEntries(changed, differences.removed, {
			...{rootDir: this.#rootDir, before, after, xattrs},
			known: path => lookup(this.#tree, path)?.header,
		});
		const sockets = differences.changed.filter(path => after.get(path)?.type === 'socket');
		if (sockets.length > 0) {
			emit(request, {
				type: 'warning',
				code: 'SocketsSkipped',
				message: `A layer cannot hold sockets: ${sockets.slice(0, 3).join(', ')} is left out`,
				...{file: request.file, line: request.line},
			});
		}
		this.#tree = applyEntries(this.#tree, entries);
		this.#snapshot = after;
		return {entries};
	}
}

interface Preparation {
	readonly user: ImageUser;
	readonly prepared: PreparedMounts;
	readonly workDir: string;
	readonly secretDir: string;
}

/** What the runtime mounts by itself. */
const kernelTargets: readonly MountTarget[] = ['proc', 'sys', 'dev'].map(path => ({path, kind: 'folder'}));

const textLimitBytes = 4 * 1024 * 1024;
/** One tick of the slowest kernels in use (CONFIG_HZ=100), doubled. */
const clockStepMs = 20;

/** Secrets are kept in memory where the machine has a folder for that. */
async function makeSecretDir(workDir: string): Promise<string> {
	try {
		return await mkdtemp('/dev/shm/sealimage-');
	} catch {
		return await mkdtemp(join(workDir, 'secrets-'));
	}
}
