import {chmodSync, copyFileSync, mkdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {isSealError, SealError} from '../../core/errors.js';
import type {SealEvent} from '../../core/events.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {removeTree} from '../../oci/disk/remove.js';
import type {LayerEntry} from '../../oci/entry.js';
import type {LayerSource} from '../../oci/layer/content.js';
import {applyEntries, emptyTree} from '../../oci/tree/tree.js';
import {readFileVerified} from '../../oci/verify.js';
import {LocalRootfs} from './local-rootfs.js';
import type {BindSource} from './types.js';
import {entriesPerMessage, type PlainError, type WorkerOrder, type WorkerReply} from './worker-protocol.js';

/*
 * The program that serves a session of an ordinary user from inside a user namespace, where it is root. It ends, and
 * removes what it made, when its session closes it or is gone.
 */

let rootfs: LocalRootfs | undefined;
let scratchDir = '';
const entries: LayerEntry[] = [];
let abort = new AbortController();
const blobs = new Map<string, string>();
const binds = new Map<number, BindSource>();

const blobPath = (digest: string): string => blobs.get(digest) ?? '/nonexistent';
const store: LayerSource = {
	blobPath,
	exists: async descriptor => blobs.has(descriptor.digest),
	fetch: async (descriptor: Descriptor, options = {}) =>
		readFileVerified(blobPath(descriptor.digest), descriptor, 'the store', options),
};

let queue = Promise.resolve();
process.on('message', (order: WorkerOrder) => {
	if (order.kind === 'abort') abort.abort(new SealError('ERR_ABORTED', 'The build was aborted'));
	else if (order.kind === 'entries') entries.push(...order.entries);
	else queue = queue.then(() => serve(order, entries.splice(0)));
});
process.on('disconnect', () => {
	abort.abort(new SealError('ERR_ABORTED', 'The build is gone'));
	void queue.then(() => rootfs?.close());
});

async function serve(order: WorkerOrder, sent: LayerEntry[]): Promise<void> {
	try {
		await obey(order, sent);
	} catch (error) {
		await reply({kind: 'failed', error: plain(error)});
	}
}

async function obey(order: WorkerOrder, sent: LayerEntry[]): Promise<void> {
	if (abort.signal.aborted) abort = new AbortController();
	const {signal} = abort;
	if (order.kind === 'open') {
		scratchDir = order.options.scratchDir;
		rootfs = new LocalRootfs(applyEntries(emptyTree, sent), store, {
			...order.options,
			userNamespace: {
				uidMap: readFileSync('/proc/self/uid_map', 'utf8'),
				gidMap: readFileSync('/proc/self/gid_map', 'utf8'),
			},
			onEvent: report,
			taken: () => reported,
		});
	} else if (order.kind === 'apply') {
		for (const [digest, path] of order.blobs) blobs.set(digest, path);
		await rootfs?.apply(sent, {signal});
	} else if (order.kind === 'bind') {
		for (const [digest, path] of order.blobs) blobs.set(digest, path);
		binds.set(order.index, {kind: 'entries', entries: sent});
	} else if (order.kind === 'run') {
		await run(order, signal);
	} else if (order.kind === 'export') {
		await reply({kind: 'done', paths: await exportFiles(order.paths)});
		return;
	} else if (order.kind === 'close') {
		await rootfs?.close();
		await removeTree(exportDir());
	}
	await reply({kind: 'done'});
	if (order.kind === 'close') process.disconnect();
}

async function run(order: WorkerOrder & {readonly kind: 'run'}, signal: AbortSignal): Promise<void> {
	const result = await (rootfs as LocalRootfs).run({
		...order.request,
		signal,
		onEvent: report,
		bindSource: mount => binds.get(order.request.mounts.indexOf(mount)) ?? {kind: 'entries', entries: []},
		secret: id => order.secrets.get(id),
	});
	binds.clear();
	for (let at = 0; at < result.entries.length; at += entriesPerMessage)
		await reply({kind: 'entries', entries: result.entries.slice(at, at + entriesPerMessage)});
}

function exportDir(): string {
	return join(scratchDir, `export-${process.pid}`);
}

/** Copies that belong to the root of this namespace, who is the user outside of it. */
async function exportFiles(paths: readonly string[]): Promise<string[]> {
	await removeTree(exportDir());
	mkdirSync(exportDir(), {mode: 0o700});
	return paths.map((path, index) => {
		const copy = join(exportDir(), String(index));
		copyFileSync(path, copy);
		chmodSync(copy, 0o600);
		return copy;
	});
}

/** Resolves when the session has taken the last event. */
let reported = Promise.resolve();

function report(event: SealEvent): void {
	reported = reply({kind: 'event', event});
}

async function reply(message: WorkerReply): Promise<void> {
	await new Promise<void>(resolve => {
		if (process.send === undefined || !process.connected) resolve();
		else process.send(message, undefined, {}, () => resolve());
	});
}

function plain(error: unknown): PlainError {
	if (isSealError(error)) {
		const {code, message, hint, details} = error;
		return {code, message, hint, details: JSON.parse(JSON.stringify(details)) as PlainError['details']} as PlainError;
	}
	return {code: undefined, message: error instanceof Error ? error.message : String(error)};
}
