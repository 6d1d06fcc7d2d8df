import type {Digest} from '../../../oci/digest.js';
import {type LockRequest, type Release, takeLock} from '../../state/host-lock.js';
import {readRecord} from '../../state/host-record.js';
import {fieldsOf, numberIn, textIn} from '../params.js';
import type {AgentVerb} from '../protocol.js';

export interface LockParams extends LockRequest {
	readonly waitMs: number;
}

const longestWaitMs = 24 * 60 * 60_000;

export interface Locked {
	/** `recordDigest` of the host, from now on changed only by who holds the lock. */
	readonly record: Digest;
}

/** Keeps other operators off this host until the session ends. Asked for again in one session, it is held already. */
export const lock: AgentVerb<LockParams, Locked> = {
	name: 'lock',
	parse(params) {
		const fields = fieldsOf(params, 'params');
		return {
			who: textIn(fields, 'who', 100),
			from: textIn(fields, 'from', 255),
			cluster: textIn(fields, 'cluster', 63),
			run: textIn(fields, 'run', 64),
			waitMs: fields.waitMs === undefined ? 0 : numberIn(fields, 'waitMs', longestWaitMs),
		};
	},
	async run({waitMs, ...request}, {root, session, signal, defer}) {
		const taking = held.get(session) ?? takeLock(root, request, {waitMs, signal});
		held.set(session, taking);
		try {
			const release = await taking;
			defer(release);
		} catch (error) {
			held.delete(session);
			throw error;
		}
		return {record: await readRecord(root)};
	},
};

const held = new WeakMap<object, Promise<Release>>();
