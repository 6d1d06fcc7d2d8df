import type {Digest} from '../../oci/digest.js';
import {digestOfValue} from '../plan/plan.js';
import type {ActionKind, ClusterAction} from './actions.js';

/** What a journal keeps of an action under its id: with an equal key there, the action is done. */
export function keyOf({kind, input}: Pick<ClusterAction, 'kind' | 'input'>): Digest {
	return digestOfValue({kind, input});
}

/**
 * Whether an action that is done is written down. Those that take something away are not: who leaves says whether they are
 * needed, and a host that was put back as it was has no journal. Nor is `state`, which is the record itself.
 */
export function isRecorded(kind: ActionKind): boolean {
	return !unrecorded.has(kind);
}

const unrecorded: ReadonlySet<ActionKind> = new Set([
	'drain',
	'leave-etcd',
	'delete-node',
	'reset',
	'restore',
	'state',
] as const);
