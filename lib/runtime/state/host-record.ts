import {readFile, stat} from 'node:fs/promises';
import {ifExists, withIo} from '../../core/io-error.js';
import type {Digest} from '../../oci/digest.js';
import {digestOfValue} from '../plan/plan.js';
import {readMember} from './host-journal.js';
import type {HostState} from './host-state.js';
import {maxJournalBytes, parseJournal} from './journal.js';
import {maxStateBytes, parseClusterState} from './parse-state.js';
import {clusterPlaces} from './places.js';

/** Of what a host keeps of its cluster: another one when somebody has worked on the host, and only then. */
export function recordDigest({member, journal, state}: Pick<HostState, 'member' | 'journal' | 'state'>): Digest {
	return digestOfValue({member: member ?? null, journal, generation: state?.generation ?? null});
}

/** The same of this host, as a look at it would find it. @throws SealError ERR_IO, ERR_PERMISSION */
export async function readRecord(root: string): Promise<Digest> {
	const {journal, state} = clusterPlaces(root);
	const read = async (path: string, most: number): Promise<Buffer | undefined> =>
		await withIo('read', path, async () => {
			const size = (await ifExists(() => stat(path)))?.size ?? Number.POSITIVE_INFINITY;
			return size > most ? undefined : await ifExists(() => readFile(path));
		});
	const copy = await read(state, maxStateBytes);
	return recordDigest({
		member: await readMember(root),
		journal: parseJournal((await read(journal, maxJournalBytes))?.toString() ?? ''),
		state: copy === undefined ? undefined : parseClusterState(copy),
	});
}
