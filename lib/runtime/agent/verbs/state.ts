import type {ClusterState} from '../../state/cluster-state.js';
import {writeStateCopy} from '../../state/host-journal.js';
import {isClusterState} from '../../state/parse-state.js';
import {fieldsOf, wrongParam} from '../params.js';
import type {AgentVerb} from '../protocol.js';

export interface StateParams {
	readonly state: ClusterState;
}

/** Keeps a copy of the cluster's state on this master. */
export const state: AgentVerb<StateParams, object> = {
	name: 'state',
	parse(params) {
		const fields = fieldsOf(params, 'params');
		if (!isClusterState(fields.state)) throw wrongParam('state', 'the state of a cluster');
		return {state: fields.state};
	},
	async run(params, {root}) {
		await writeStateCopy(root, params.state);
		return {};
	},
};
