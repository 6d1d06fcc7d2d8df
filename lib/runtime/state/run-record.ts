import {isSealError} from '../../core/errors.js';
import {emit, type OperationOptions} from '../../core/events.js';
import {createGate} from '../../core/pool.js';
import type {Digest} from '../../oci/digest.js';
import type {RunHost} from '../lifecycle/run.js';
import type {ClusterSetting} from '../lifecycle/setting.js';
import type {ClusterCache} from './cache.js';
import type {ClusterState} from './cluster-state.js';
import {writeCopies} from './copies.js';
import {reachOf} from './reach.js';

/** What a run makes of the state of its cluster. */
export interface RunRecord {
	/**
	 * Keeps what was done for the cluster as a whole: at once on the operator's machine, on the masters with the next writing. A disk of the
	 * operator that is full is a warning: what was done is done.
	 */
	noteDone(id: string, key: Digest): Promise<void>;
	/** Keeps on the operator's machine what a new cluster is, so that an interrupted beginning can go on. */
	remember(): Promise<void>;
	/** The cluster begins anew: nothing is done for it yet, whatever was before. */
	beginAnew(): Promise<void>;
	/**
	 * Writes the state to the masters, into the cluster and into the cache. From now on the setting of this run is that of the
	 * cluster.
	 * @throws HostError when no copy could be written
	 */
	writeState(options?: OperationOptions): Promise<void>;
	/** As `writeState`, when something was done since it was written last. Hosts that are to leave, and did not yet, stay in it. */
	writeNews(options?: OperationOptions): Promise<void>;
}

export interface RunRecordOptions extends OperationOptions {
	readonly setting: ClusterSetting;
	readonly known: ClusterState | undefined;
	readonly cache: ClusterCache | undefined;
	readonly version: string;
	readonly hosts: ReadonlyMap<string, RunHost>;
	/** Masters that may be written to, by name. */
	readonly isThere: (name: string) => boolean;
	readonly liveMasters: () => readonly RunHost[];
}

export function createRecord(options: RunRecordOptions): RunRecord {
	const {setting, known, cache, version, hosts, isThere, liveMasters} = options;
	const done = new Map<string, Digest>(Object.entries(known?.done ?? {}));
	let generation = known?.generation ?? 0;
	/** What was done since the state was written last. */
	let changes = 0;
	/** What the cluster is: until the run says otherwise, what it was. */
	let current = known?.setting ?? setting;
	// One after the other, or an older copy would come over a newer one.
	const gate = createGate(1);

	const stateNow = (): ClusterState => {
		const reach = current.hosts.flatMap(({name}) => {
			const target = hosts.get(name)?.target;
			const way = target === undefined ? known?.reach[name] : reachOf(target);
			return way === undefined ? [] : [[name, way] as const];
		});
		const at = {schema: 1, generation, writtenBy: version} as const;
		return {...at, setting: current, reach: Object.fromEntries(reach), done: Object.fromEntries(done)};
	};
	const keep = async (): Promise<void> => {
		if (cache !== undefined) await gate.run(() => cache.write(stateNow()));
	};
	const keepIfPossible = (): Promise<void> => ifRemembered(keep, options);
	const write = (operation: OperationOptions): Promise<void> =>
		gate.run(async () => {
			// A number is used once, also when only some masters took what it stands for.
			generation++;
			const written = changes;
			const next = stateNow();
			const masters = next.setting.hosts.filter(({name, isMaster}) => isMaster && isThere(name));
			const reachable = masters.flatMap(({name}) => hosts.get(name) ?? []);
			await writeCopies(next, reachable, liveMasters(), operation);
			changes -= written;
			if (cache !== undefined) await ifRemembered(() => cache.write(stateNow()), operation);
		});
	return {
		async noteDone(id, key) {
			done.set(id, key);
			changes++;
			await keepIfPossible();
		},
		async remember() {
			if (known === undefined) await keep();
		},
		async beginAnew() {
			if (done.size === 0) return;
			done.clear();
			changes++;
			await keepIfPossible();
		},
		async writeState(operation = options) {
			const before = current;
			current = setting;
			try {
				await write(operation);
			} catch (error) {
				current = before;
				throw error;
			}
		},
		async writeNews(operation = options) {
			if (changes > 0) await write(operation);
		},
	};
}

const diskCodes: ReadonlySet<string> = new Set(['ERR_IO', 'ERR_NO_SPACE', 'ERR_PERMISSION', 'ERR_READ_ONLY']);

/** Writes what this machine remembers of clusters; what masters keep too may be missing here. */
export async function ifRemembered(write: () => Promise<void>, options: OperationOptions): Promise<void> {
	try {
		await write();
	} catch (error) {
		if (!isSealError(error) || !diskCodes.has(error.code)) throw error;
		emit(options, {
			type: 'warning',
			code: error.code,
			message: `This machine does not remember what was done: ${error.message}`,
			hint: 'Make room, then take the cluster from a master with "sealimage clusters import --host MASTER".',
		});
	}
}
