import {type FileHandle, mkdir, open, readFile, rm} from 'node:fs/promises';
import {dirname} from 'node:path';
import {syncFolder, writeFileAtomic} from '../../core/atomic-file.js';
import {SealError} from '../../core/errors.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {createGate} from '../../core/pool.js';
import type {ClusterState} from './cluster-state.js';
import type {HostMember} from './host-state.js';
import {formatEntries, type JournalEntry, maxJournalBytes, parseJournal} from './journal.js';
import {parseMember} from './member.js';
import {parseClusterState} from './parse-state.js';
import {type ClusterPlaces, clusterPlaces} from './places.js';

/**
 * Writes down on this host what was done: when it resolves, it is on the disk. A line that a power cut or a full disk left torn
 * is ended first, so that it spoils none that comes after it.
 * @throws SealError ERR_NO_SPACE, ERR_PERMISSION, ERR_READ_ONLY, ERR_IO
 */
export async function appendJournal(root: string, entries: readonly JournalEntry[]): Promise<void> {
	const places = clusterPlaces(root);
	await alone(places, () => append(places, entries));
}

/**
 * Writes down which cluster this host is in.
 * @param replaces the host leaves another cluster for this one
 * @throws SealError ERR_CLUSTER_MEMBER when it is in another one
 */
export async function writeMember(root: string, member: HostMember, replaces: boolean): Promise<void> {
	const places = clusterPlaces(root);
	await alone(places, async () => {
		const before = await readMember(root);
		if (before !== undefined && before.id !== member.id) {
			if (!replaces) throw inAnother(before);
			await forget(places);
		}
		await makeFolder(places);
		await writeFileAtomic(places.member, `${JSON.stringify(member)}\n`, {mode: 0o600});
	});
}

/** Undefined on a host that is in no cluster. */
export async function readMember(root: string): Promise<HostMember | undefined> {
	const {member} = clusterPlaces(root);
	const content = await withIo('read', member, () => ifExists(() => readFile(member, 'utf8')));
	return content === undefined ? undefined : parseMember(content);
}

/**
 * Keeps a copy of the cluster's state on this host.
 * @throws SealError ERR_CLUSTER_STATE when the one that is there is of this generation or a later one
 */
export async function writeStateCopy(root: string, state: ClusterState): Promise<void> {
	const places = clusterPlaces(root);
	await alone(places, async () => {
		const content = await withIo('read', places.state, () => ifExists(() => readFile(places.state)));
		const before = content === undefined ? undefined : parseClusterState(content);
		if (before !== undefined && before.setting.id === state.setting.id && before.generation >= state.generation) {
			throw new SealError(
				'ERR_CLUSTER_STATE',
				`The state of the cluster on this host is of generation ${before.generation}, and ${state.generation} was to be written`,
				{hint: 'Somebody else has changed the cluster: run the command again, so that it begins with what is there.'},
			);
		}
		await makeFolder(places);
		await writeFileAtomic(places.state, `${JSON.stringify(state)}\n`, {mode: 0o600});
	});
}

/** The host is in no cluster any more. The lock stays with its holder. */
export async function forgetCluster(root: string): Promise<void> {
	const places = clusterPlaces(root);
	await alone(places, () => forget(places));
}

/** Larger journals are written anew, with the last key of each id. */
const compactBytes = maxJournalBytes / 2;

/** Within this process; other processes are kept away by the lock of the host. */
const gates = new Map<string, ReturnType<typeof createGate>>();

async function alone<R>({folder}: ClusterPlaces, work: () => Promise<R>): Promise<R> {
	const gate = gates.get(folder) ?? createGate(1);
	gates.set(folder, gate);
	return await gate.run(work);
}

async function append(places: ClusterPlaces, entries: readonly JournalEntry[]): Promise<void> {
	await makeFolder(places);
	const {journal} = places;
	await withIo('write', journal, async () => {
		const file = await open(journal, 'a+', 0o600);
		try {
			const {size} = await file.stat();
			if (size > compactBytes) return await compact(journal, entries);
			await file.appendFile(`${(await endsTorn(file, size)) ? '\n' : ''}${formatEntries(entries)}`);
			await file.datasync();
			if (size === 0) await syncFolder(places.folder);
		} finally {
			await file.close();
		}
	});
}

async function endsTorn(file: FileHandle, size: number): Promise<boolean> {
	if (size === 0) return false;
	const {buffer} = await file.read(Buffer.alloc(1), 0, 1, size - 1);
	return buffer[0] !== 0x0a;
}

async function compact(journal: string, entries: readonly JournalEntry[]): Promise<void> {
	const before = parseJournal(await readFile(journal, 'utf8'));
	const done = new Map(Object.entries(before));
	for (const {id, key} of entries) done.set(id, key);
	const kept = [...done].map(([id, key]) => ({id, key}));
	await writeFileAtomic(journal, formatEntries(kept), {mode: 0o600});
}

async function forget({journal, state, member}: ClusterPlaces): Promise<void> {
	// The member last: who is cut off here is found to be in the cluster, and asked to forget again.
	for (const path of [journal, state, member]) await withIo('remove', path, () => rm(path, {force: true}));
	await syncFolder(dirname(member)).catch(() => undefined);
}

async function makeFolder({folder}: ClusterPlaces): Promise<void> {
	await withIo('make', folder, async () => {
		const made = await mkdir(folder, {recursive: true, mode: 0o700});
		if (made !== undefined) await syncFolder(dirname(folder));
	});
}

function inAnother({cluster, id}: HostMember): SealError {
	return new SealError('ERR_CLUSTER_MEMBER', `The host is in another cluster: "${cluster}" (${id})`, {
		hint: 'Reset it there first, or use --force to take it out of it.',
		details: {cluster, id},
	});
}
