import {createHash} from 'node:crypto';
import {chmod, chown, lstat, mkdir, mkdtemp, rename, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {hasCode, SealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import {withLock} from '../../core/lock.js';
import {removeTree} from '../../oci/disk/remove.js';
import {writeToDisk} from '../../oci/disk/write.js';
import type {LayerEntry} from '../../oci/entry.js';
import type {LayerSource} from '../../oci/layer/content.js';
import {applyEntries, emptyTree, type ImageTree, lookup, resolvePath, walkTree} from '../../oci/tree/tree.js';
import type {RunMount} from '../syntax.js';
import type {BundleMount} from './bundle.js';
import type {MountTarget} from './mountpoints.js';
import type {BindSource, RunRequest} from './types.js';

/** A mount that is ready: what the runtime does, and the name in the root that it is put on. */
export interface PreparedMount {
	readonly mount: BundleMount;
	readonly target: MountTarget;
}

export interface PreparedMounts {
	readonly mounts: readonly PreparedMount[];
	/** Variables that secrets give. */
	readonly env: readonly string[];
}

export interface MountContext extends OperationOptions {
	readonly tree: ImageTree;
	readonly store: LayerSource;
	/** For bind mounts, for this RUN alone. */
	readonly scratchDir: string;
	/** For secrets: a folder in memory where there is one. */
	readonly secretDir: string;
	readonly cacheDir: string;
	readonly owners: boolean;
}

/**
 * Prepares the mounts of a RUN, does the work with them, and gives the caches free again.
 * @throws SealError ERR_RUN_MOUNT
 */
export async function withMounts<R>(
	request: RunRequest,
	context: MountContext,
	work: (prepared: PreparedMounts) => Promise<R>,
): Promise<R> {
	const mounts: PreparedMount[] = [];
	const env: string[] = [];
	const caches: CacheMount[] = [];
	for (const [index, mount] of request.mounts.entries()) {
		context.signal?.throwIfAborted();
		const options = {request, mount, context, index};
		if (mount.type === 'bind') mounts.push(await prepareBind(options));
		else if (mount.type === 'tmpfs') mounts.push(prepareTmpfs(options));
		else if (mount.type === 'cache') caches.push({...options, place: mounts.push(undefined as never) - 1});
		else if (mount.type === 'secret') await prepareSecret(options, mounts, env);
		else
			throw mountError(
				request,
				'The mount type ssh is not supported',
				'Give the key as a secret: --mount=type=secret,id=key',
			);
	}
	// Always in the same order, so that two RUNs never wait for each other.
	caches.sort((a, b) => (cacheKey(a.mount, request) < cacheKey(b.mount, request) ? -1 : 1));
	return await withCaches(caches, mounts, () => work({mounts, env}));
}

interface MountOptions {
	readonly request: RunRequest;
	readonly mount: RunMount;
	readonly context: MountContext;
	readonly index: number;
}

async function prepareBind(options: MountOptions): Promise<PreparedMount> {
	const {request, mount, context, index} = options;
	const place = join(context.scratchDir, `mount-${index}`);
	const kind = await fillFromSource(options, place);
	const target = targetPath(request, mount.target);
	const access = mount.readonly === false ? 'rw' : 'ro';
	return prepared(context, target, kind, {type: 'bind', source: place, options: ['rbind', access, 'nosuid']});
}

function prepareTmpfs({request, mount, context}: MountOptions): PreparedMount {
	const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`];
	const options = ['nosuid', 'noexec', 'nodev', ...size].filter(option => option !== 'noexec');
	return prepared(context, targetPath(request, mount.target), 'folder', {type: 'tmpfs', source: 'tmpfs', options});
}

async function prepareSecret(
	{request, mount, context, index}: MountOptions,
	mounts: PreparedMount[],
	env: string[],
): Promise<void> {
	const id = mount.id ?? mount.target?.split('/').findLast(part => part !== '');
	if (id === undefined) throw mountError(request, 'A secret mount names neither an id nor a target');
	const bytes = await request.secret?.(id);
	if (bytes === undefined) {
		if (mount.required !== true) return;
		throw mountError(request, `The secret "${id}" is required and was not given`, `Add --secret id=${id},src=FILE.`);
	}
	if (mount.env !== undefined) {
		if (bytes.includes(0)) throw mountError(request, `The secret "${id}" holds a NUL byte and cannot be a variable`);
		env.push(`${mount.env}=${Buffer.from(bytes).toString()}`);
		if (mount.target === undefined) return;
	}
	const file = join(context.secretDir, `secret-${index}`);
	await writeFile(file, bytes, {mode: 0o400, flag: 'wx'});
	if (context.owners) await chown(file, mount.uid ?? 0, mount.gid ?? 0).catch(() => undefined);
	await chmod(file, mount.mode ?? 0o400);
	const target = targetPath(request, mount.target ?? `/run/secrets/${id}`);
	const options = ['bind', 'ro', 'nosuid', 'nodev', 'noexec'];
	mounts.push(prepared(context, target, 'file', {type: 'bind', source: file, options}));
}

interface CacheMount extends MountOptions {
	readonly place: number;
}

async function withCaches<R>(
	caches: readonly CacheMount[],
	mounts: PreparedMount[],
	work: () => Promise<R>,
): Promise<R> {
	const [cache, ...rest] = caches;
	if (cache === undefined) return await work();
	const {request, mount, context} = cache;
	const key = cacheKey(mount, request);
	const use = async (dir: string): Promise<R> => {
		await makeCache(cache, dir);
		const access = mount.readonly === true ? 'ro' : 'rw';
		const target = targetPath(request, mount.target);
		const options = ['rbind', access, 'nosuid', 'nodev'];
		mounts[cache.place] = prepared(context, target, 'folder', {type: 'bind', source: dir, options});
		return await withCaches(rest, mounts, work);
	};
	const dir = join(context.cacheDir, key);
	if (mount.sharing === 'locked') return await withLock(`${dir}.lock`, () => use(dir), lockOptions(context, dayMs));
	if (mount.sharing !== 'private') return await use(dir);
	for (let number = 0; ; number++) {
		const own = `${dir}-${number}`;
		let begun = false;
		try {
			return await withLock(
				`${own}.lock`,
				() => {
					begun = true;
					return use(own);
				},
				lockOptions(context, 0),
			);
		} catch (error) {
			if (begun || !hasCode(error, 'ERR_STORE_LOCKED')) throw error;
		}
	}
}

const dayMs = 24 * 60 * 60 * 1000;

function lockOptions(
	context: MountContext,
	timeoutMs: number,
): {timeoutMs: number; what: string; signal?: AbortSignal} {
	return {timeoutMs, what: 'a cache mount', ...(context.signal === undefined ? {} : {signal: context.signal})};
}

/** The folder of a cache: two mounts of one id share it, whatever characters the id has. */
function cacheKey(mount: RunMount, request: RunRequest): string {
	const id = mount.id ?? targetPath(request, mount.target);
	return createHash('sha256').update(id).digest('hex').slice(0, 32);
}

/** A cache appears with its first content and its owner, or not at all. */
async function makeCache(options: CacheMount, dir: string): Promise<void> {
	const {mount, context} = options;
	if ((await lstat(dir).catch(() => undefined)) !== undefined) return;
	await mkdir(context.cacheDir, {recursive: true});
	const beside = await mkdtemp(`${dir}.new-`);
	try {
		const inside = join(beside, 'cache');
		if (mount.from === undefined && mount.source === undefined) await mkdir(inside);
		else await fillFromSource(options, inside);
		if (context.owners) await chown(inside, mount.uid ?? 0, mount.gid ?? 0).catch(() => undefined);
		await chmod(inside, mount.mode ?? 0o755);
		await rename(inside, dir).catch((error: unknown) => {
			// Another build was faster: its cache is as good.
			if (!['EEXIST', 'ENOTEMPTY'].includes((error as {code?: string}).code ?? '')) throw error;
		});
	} finally {
		await removeTree(beside);
	}
}

/** Unpacks the wanted part of a source to `place` and says what it is. */
async function fillFromSource({request, mount, context}: MountOptions, place: string): Promise<MountTarget['kind']> {
	const source = await request.bindSource?.(mount);
	if (source === undefined) throw mountError(request, `The mount of ${mount.target ?? '?'} has no source to come from`);
	const tree = treeOf(source);
	const path = resolvePath(tree, mount.source ?? '');
	const node = lookup(tree, path);
	if (node === undefined) {
		throw mountError(
			request,
			`The mount source "${mount.source ?? '/'}" is not in ${mount.from ?? 'the build context'}`,
		);
	}
	const isFolder = node.header.type === 'directory';
	const root = isFolder ? place : `${place}.d`;
	await mkdir(root);
	await writeToDisk(below(tree, path, isFolder ? '' : 'file'), context.store, root, {
		...context,
		fresh: true,
	});
	if (!isFolder) await rename(join(root, 'file'), place);
	return isFolder ? 'folder' : 'file';
}

function treeOf(source: BindSource): ImageTree {
	return source.kind === 'tree' ? source.tree : applyEntries(emptyTree, source.entries);
}

/** The nodes at and below `path`, under the new name `name`. */
function* below(tree: ImageTree, path: string, name: string): Generator<LayerEntry> {
	for (const {header, content} of walkTree(tree, path)) {
		const rest = header.path.slice(path.length);
		const moved = {...header, path: name + (path === '' || name !== '' ? rest : rest.slice(1))};
		yield content === undefined ? {header: moved} : {header: moved, content};
	}
}

/** Absolute, resolved against the working folder, without `..`. */
export function targetPath(request: RunRequest, target: string | undefined): string {
	if (target === undefined || target === '') throw mountError(request, 'A mount names no target');
	const parts: string[] = [];
	for (const part of `${target.startsWith('/') ? '' : (request.cwd ?? '/')}/${target}`.split('/')) {
		if (part === '..') parts.pop();
		else if (part !== '' && part !== '.') parts.push(part);
	}
	if (parts.length === 0) throw mountError(request, 'Nothing can be mounted on /');
	return `/${parts.join('/')}`;
}

/** Symbolic links of the image are followed inside of it here, so that the runtime finds none. */
function prepared(
	context: MountContext,
	target: string,
	kind: MountTarget['kind'],
	mount: Omit<BundleMount, 'destination'>,
): PreparedMount {
	const path = resolvePath(context.tree, target);
	return {mount: {destination: `/${path}`, ...mount}, target: {path, kind}};
}

function mountError(request: RunRequest, message: string, hint?: string): SealError {
	return new SealError('ERR_RUN_MOUNT', `${message} (${request.file}:${request.line})`, {
		...(hint === undefined ? {} : {hint}),
		details: {file: request.file, line: request.line},
	});
}
