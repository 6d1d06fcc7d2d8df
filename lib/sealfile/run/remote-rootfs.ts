import type {ChildProcess} from 'node:child_process';
import {access, constants} from 'node:fs/promises';
import {fileURLToPath} from 'node:url';
import type {ErrorCode} from '../../core/codes.js';
import {SealError} from '../../core/errors.js';
import {type Abortable, emit, type Observable} from '../../core/events.js';
import {hasBlobFiles} from '../../oci/content.js';
import type {LayerEntry} from '../../oci/entry.js';
import {type LayerSource, locateContents} from '../../oci/layer/content.js';
import {applyEntries, emptyTree, type ImageTree, walkTree} from '../../oci/tree/tree.js';
import {whyNotRunnable} from './emulation.js';
import {runUnavailable} from './run-errors.js';
import type {Rootfs, RootfsOptions, RunRequest, RunResult} from './types.js';
import {NamespaceRefused, spawnInUserNamespace} from './user-namespace.js';
import {entriesPerMessage, type PlainError, type WorkerOrder, type WorkerReply} from './worker-protocol.js';

/** A session of an ordinary user: it lives in a worker that is root of a user namespace. */
export class RemoteRootfs implements Rootfs {
	readonly #tree: ImageTree;
	readonly #store: LayerSource;
	readonly #options: RootfsOptions;
	readonly #pending: LayerEntry[][] = [];
	#worker: ChildProcess | undefined;
	#closed = false;

	constructor(tree: ImageTree, store: LayerSource, options: RootfsOptions) {
		this.#tree = tree;
		this.#store = store;
		this.#options = options;
	}

	async apply(entries: Iterable<LayerEntry>, options: Abortable = {}): Promise<void> {
		const list = [...entries];
		if (this.#worker === undefined) this.#pending.push(list);
		else await this.#apply(this.#worker, list, options);
	}

	async run(request: RunRequest): Promise<RunResult> {
		if (this.#closed) throw new SealError('ERR_INTERNAL', 'The RUN session is closed');
		request.signal?.throwIfAborted();
		const reason = whyNotRunnable(this.#options.platform);
		if (reason !== undefined) throw runUnavailable(request, this.#options.platform, 'emulation', reason);
		const worker = this.#worker ?? (await this.#open(request));
		const {signal, onEvent, bindSource, secret, ...plain} = request;
		const secrets = new Map<string, Uint8Array>();
		for (const [index, mount] of plain.mounts.entries()) {
			if (mount.type === 'bind' || (mount.type === 'cache' && (mount.from ?? mount.source) !== undefined)) {
				const source = await bindSource?.(mount);
				if (source === undefined) continue;
				const tree = source.kind === 'tree' ? source.tree : applyEntries(emptyTree, source.entries);
				const blobs = await this.#send(worker, linked(walkTree(tree)), request);
				await ask(worker, {kind: 'bind', index, blobs}, request);
			} else if (mount.type === 'secret') {
				const id = mount.id ?? mount.target?.split('/').findLast(part => part !== '');
				const bytes = id === undefined ? undefined : await secret?.(id);
				if (id !== undefined && bytes !== undefined) secrets.set(id, bytes);
			}
		}
		const {entries} = await ask(worker, {kind: 'run', request: plain, secrets}, request);
		return {entries: await this.#readable(worker, entries, request)};
	}

	async close(): Promise<void> {
		this.#closed = true;
		const worker = this.#worker;
		this.#worker = undefined;
		if (worker === undefined || worker.exitCode !== null || worker.signalCode !== null) return;
		const exited = new Promise(resolve => worker.once('exit', resolve));
		await ask(worker, {kind: 'close'}, {}).catch(() => worker.kill('SIGKILL'));
		await exited;
	}

	async #open(request: RunRequest): Promise<ChildProcess> {
		const program = fileURLToPath(new URL('worker.js', import.meta.url));
		let worker: ChildProcess;
		try {
			worker = await spawnInUserNamespace(program, this.#options.searchPath);
		} catch (error) {
			if (!(error instanceof NamespaceRefused)) throw error;
			throw runUnavailable(request, this.#options.platform, 'no namespace', error.message);
		}
		this.#worker = worker;
		const {signal, onEvent, ...options} = this.#options;
		await ask(worker, {kind: 'open', options}, request);
		await this.#apply(worker, linked(walkTree(this.#tree)), request);
		for (const entries of this.#pending.splice(0)) await this.#apply(worker, entries, request);
		return worker;
	}

	async #apply(worker: ChildProcess, entries: Iterable<LayerEntry>, options: Abortable): Promise<void> {
		const blobs = await this.#send(worker, entries, options);
		await ask(worker, {kind: 'apply', blobs}, options);
	}

	/** Sends entries and says in which files the layers that they need are. */
	async #send(worker: ChildProcess, entries: Iterable<LayerEntry>, options: Abortable): Promise<Map<string, string>> {
		const store = this.#store as LayerSource;
		const given = [...entries];
		const list =
			hasBlobFiles(store) || given.every(({content}) => content?.kind !== 'layer')
				? given
				: await locateContents(given, store, this.#options.scratchDir, {signal: options.signal});
		const blobs = new Map<string, string>();
		for (let at = 0; at < list.length; at += entriesPerMessage) {
			options.signal?.throwIfAborted();
			const part = list.slice(at, at + entriesPerMessage);
			for (const {content} of part) {
				if (content?.kind === 'layer' && hasBlobFiles(store))
					blobs.set(content.layer.digest, store.blobPath(content.layer.digest));
			}
			await send(worker, {kind: 'entries', entries: part});
		}
		return blobs;
	}

	/** Files that only other ids of the namespace may read are copied by the worker. */
	async #readable(worker: ChildProcess, entries: readonly LayerEntry[], options: Abortable): Promise<LayerEntry[]> {
		const closed: {readonly at: number; readonly path: string}[] = [];
		for (const [at, {content}] of entries.entries()) {
			if (content?.kind !== 'file') continue;
			const {path} = content;
			await access(path, constants.R_OK).catch(() => closed.push({at, path}));
		}
		const result = [...entries];
		if (closed.length === 0) return result;
		const {paths = []} = await ask(worker, {kind: 'export', paths: closed.map(({path}) => path)}, options);
		for (const [index, {at}] of closed.entries()) {
			result[at] = {header: (entries[at] as LayerEntry).header, content: {kind: 'file', path: paths[index] as string}};
		}
		return result;
	}
}

/** Names that share content as hard links: what is sent loses the identity of objects. */
function* linked(entries: Iterable<LayerEntry>): Generator<LayerEntry> {
	const first = new Map<object, string>();
	for (const {header, content} of entries) {
		const name = content === undefined ? undefined : first.get(content);
		if (name !== undefined) {
			yield {header: {...header, type: 'hardlink', size: 0, linkname: name}};
			continue;
		}
		if (content !== undefined) first.set(content, header.path);
		yield content === undefined ? {header} : {header, content};
	}
}

interface Answer {
	readonly entries: readonly LayerEntry[];
	readonly paths?: readonly string[];
}

/** Sends an order and waits for its end; an abort is passed on, and waited for. */
async function ask(worker: ChildProcess, order: WorkerOrder, options: Abortable & Observable): Promise<Answer> {
	const entries: LayerEntry[] = [];
	const abort = (): void => void send(worker, {kind: 'abort'}).catch(() => undefined);
	let forget = (): void => undefined;
	try {
		return await new Promise<Answer>((resolve, reject) => {
			const onMessage = (reply: WorkerReply): void => {
				if (reply.kind === 'event') emit(options, reply.event);
				else if (reply.kind === 'entries') entries.push(...reply.entries);
				else if (reply.kind === 'failed') reject(revive(reply.error));
				else resolve({entries, ...(reply.paths === undefined ? {} : {paths: reply.paths})});
			};
			const onExit = (): void =>
				reject(new SealError('ERR_INTERNAL', 'The process that runs the commands of RUN ended unexpectedly'));
			worker.on('message', onMessage);
			worker.on('exit', onExit);
			options.signal?.addEventListener('abort', abort, {once: true});
			forget = () => {
				worker.off('message', onMessage);
				worker.off('exit', onExit);
				options.signal?.removeEventListener('abort', abort);
			};
			send(worker, order).catch(reject);
			if (options.signal?.aborted === true) abort();
		});
	} catch (error) {
		options.signal?.throwIfAborted();
		throw error;
	} finally {
		forget();
	}
}

async function send(worker: ChildProcess, order: WorkerOrder): Promise<void> {
	await new Promise<void>((resolve, reject) => {
		worker.send(order, error => (error === null ? resolve() : reject(error)));
	});
}

function revive({code, message, hint, details}: PlainError): Error {
	if (code === undefined) return new Error(message);
	return new SealError(code as ErrorCode, message, {hint, details});
}
