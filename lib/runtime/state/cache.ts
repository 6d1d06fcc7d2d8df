import {mkdir, readdir, readFile, rm, stat, utimes} from 'node:fs/promises';
import {join} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import {SealError} from '../../core/errors.js';
import {ifExists, withIo} from '../../core/io-error.js';
import type {ClusterState} from './cluster-state.js';
import {isClusterName} from './names.js';
import {parseClusterState} from './parse-state.js';

/** What the operator's machine knows of clusters, in one folder; each cluster has one of its own in there. It can be lost. */
export interface ClusterCache {
	readonly folder: string;
	/** By name. A copy that is damaged is told with its name alone. */
	list(): Promise<readonly KnownCluster[]>;
	/**
	 * Undefined for a cluster that nothing is known of.
	 * @throws SealError ERR_CLUSTER_STATE when the copy is damaged, ERR_IO, ERR_PERMISSION
	 */
	read(name: string): Promise<ClusterState | undefined>;
	/** @throws SealError ERR_CLUSTER_STATE when another cluster of this name is known, ERR_IO, ERR_NO_SPACE, ERR_PERMISSION */
	write(state: ClusterState): Promise<void>;
	/** A cluster was seen just now: what is known of it is replaced only by what is newer. @throws as `write` */
	saw(state: ClusterState): Promise<void>;
	/** Forgets a cluster; the logs of its runs stay. */
	remove(name: string): Promise<void>;
	/** Where the logs of runs of a cluster are. */
	logFolder(name: string): string;
}

export interface KnownCluster {
	readonly name: string;
	/** Undefined for a damaged copy. */
	readonly state: ClusterState | undefined;
	/** When it was written or seen last, in milliseconds since 1970. */
	readonly seenAtMs: number;
}

/** @param now milliseconds since 1970 */
export function openClusterCache(folder: string, now: () => number = Date.now): ClusterCache {
	const placeOf = (name: string): string => {
		if (isClusterName(name)) return join(folder, name);
		throw new SealError('ERR_CLUSTER_UNKNOWN', `${JSON.stringify(name.slice(0, 100))} is no name of a cluster`, {
			hint: 'Use small letters, digits and hyphens, up to 63 of them.',
		});
	};
	const stateFile = (name: string): string => join(placeOf(name), 'state.json');
	const readText = async (name: string): Promise<Buffer | undefined> =>
		await withIo('read', stateFile(name), () => ifExists(() => readFile(stateFile(name))));
	const write = async (state: ClusterState): Promise<void> => {
		const {name, id} = state.setting;
		const path = stateFile(name);
		const before = await readText(name);
		const other = before === undefined ? undefined : stateOf(name, before);
		if (other !== undefined && other.setting.id !== id) {
			throw new SealError('ERR_CLUSTER_STATE', `Another cluster of the name "${name}" is known: ${other.setting.id}`, {
				hint: `Remove ${placeOf(name)} if that one is gone, or give the new one another name.`,
				details: {path, id: other.setting.id},
			});
		}
		await withIo('make', placeOf(name), () => mkdir(placeOf(name), {recursive: true, mode: 0o700}));
		await writeFileAtomic(path, `${JSON.stringify(state)}\n`, {mode: 0o600});
	};
	return {
		folder,
		async list() {
			const names = (await withIo('read', folder, () => ifExists(() => readdir(folder)))) ?? [];
			const found: KnownCluster[] = [];
			for (const name of names.filter(isClusterName).sort()) {
				const content = await readText(name);
				if (content === undefined) continue;
				const {mtimeMs} = await withIo('look at', stateFile(name), () => stat(stateFile(name)));
				found.push({name, state: stateOf(name, content), seenAtMs: Math.round(mtimeMs)});
			}
			return found;
		},
		async read(name) {
			const content = await readText(name);
			if (content === undefined) return undefined;
			const state = stateOf(name, content);
			if (state !== undefined) return state;
			throw new SealError('ERR_CLUSTER_STATE', `What is kept of the cluster "${name}" is damaged`, {
				hint: `Take it from a master with "sealimage clusters import --host MASTER".`,
				details: {path: stateFile(name)},
			});
		},
		write,
		async saw(state) {
			const {name} = state.setting;
			const content = await readText(name);
			const before = content === undefined ? undefined : stateOf(name, content);
			// Not written over: a run on this machine may just have noted more.
			if (before === undefined || before.generation < state.generation) return await write(state);
			const date = new Date(now());
			await withIo('touch', stateFile(name), () => utimes(stateFile(name), date, date));
		},
		async remove(name) {
			await withIo('remove', stateFile(name), () => rm(stateFile(name), {force: true}));
		},
		logFolder: name => join(placeOf(name), 'logs'),
	};
}

/** Undefined when it is damaged, or that of another cluster. */
function stateOf(name: string, content: Buffer): ClusterState | undefined {
	const state = parseClusterState(content);
	return state?.setting.name === name ? state : undefined;
}
