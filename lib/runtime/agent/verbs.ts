import {SealError} from '../../core/errors.js';
import type {AgentVerb} from './protocol.js';

/** Verbs by name; the code of each is loaded when it is asked for, because an agent is started often and briefly. */
export type AgentVerbs = Readonly<Record<string, () => Promise<AgentVerb>>>;

/** Every verb of the agent. */
export const agentVerbs: AgentVerbs = {
	activate: async () => (await import('./verbs/activate.js')).activate,
	etcd: async () => (await import('./verbs/etcd.js')).etcd,
	facts: async () => (await import('./verbs/facts.js')).facts,
	fetch: async () => (await import('./verbs/fetch.js')).fetch,
	gc: async () => (await import('./verbs/gc.js')).gc,
	have: async () => (await import('./verbs/have.js')).have,
	journal: async () => (await import('./verbs/journal.js')).journal,
	lock: async () => (await import('./verbs/lock.js')).lock,
	offer: async () => (await import('./verbs/offer.js')).offer,
	prepare: async () => (await import('./verbs/prepare.js')).prepare,
	receive: async () => (await import('./verbs/receive.js')).receive,
	'reset-node': async () => (await import('./verbs/reset-node.js')).resetNode,
	restore: async () => (await import('./verbs/restore.js')).restore,
	self: async () => (await import('./verbs/self.js')).self,
	serve: async () => (await import('./verbs/serve.js')).serve,
	stage: async () => (await import('./verbs/stage.js')).stage,
	state: async () => (await import('./verbs/state.js')).state,
	unpack: async () => (await import('./verbs/unpack.js')).unpack,
	verify: async () => (await import('./verbs/verify.js')).verify,
};

/** @throws SealError ERR_AGENT_VERB */
export async function loadVerb(verbs: AgentVerbs, name: string): Promise<AgentVerb> {
	const load = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
	if (load === undefined) {
		throw new SealError('ERR_AGENT_VERB', `This agent has no verb ${JSON.stringify(name.slice(0, 40))}`, {
			hint: 'Install the agent of this version of sealimage with "sealimage agent install".',
		});
	}
	return await load();
}
