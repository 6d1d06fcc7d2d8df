import type {Digest} from '../../oci/digest.js';
import type {PlannedAction} from '../plan/action.js';
import type {ActionInputs, ActionKind, ClusterAction} from './actions.js';
import {keyOf} from './key.js';

/** An action as planners write it. */
export type Proposal<K extends ActionKind> = Omit<PlannedAction<K, ActionInputs[K]>, 'needs' | 'kind'> & {
	/** Ids that it comes after, where they are in the plan at all. */
	readonly after?: readonly string[] | undefined;
};

/** A plan in the making. What an action comes after has to be proposed before it. */
export interface Draft {
	readonly actions: readonly ClusterAction[];
	/** Plans it whatever was done before. */
	add<K extends ActionKind>(kind: K, proposal: Proposal<K>): void;
	/** Plans it unless the record has it with this input, and `holds` says that it still holds. */
	propose<K extends ActionKind>(
		kind: K,
		proposal: Proposal<K>,
		record: Readonly<Record<string, Digest>>,
		holds?: boolean,
	): void;
	has(id: string): boolean;
}

export function createDraft(): Draft {
	const actions: ClusterAction[] = [];
	const ids = new Set<string>();
	const add = <K extends ActionKind>(kind: K, {after = [], ...rest}: Proposal<K>): void => {
		const needs = after.filter(id => ids.has(id));
		ids.add(rest.id);
		actions.push({...rest, kind, needs} as unknown as ClusterAction);
	};
	return {
		actions,
		add,
		propose: (kind, proposal, record, holds = true) => {
			const {id, input} = proposal;
			const key = keyOf({kind, input} as unknown as ClusterAction);
			const isDone = holds && Object.hasOwn(record, id) && record[id] === key;
			if (!isDone) add(kind, proposal);
		},
		has: id => ids.has(id),
	};
}
