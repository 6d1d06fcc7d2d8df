import type {AgentConnection} from '../../lib/runtime/agent/protocol.js';
import {agentVerbs, loadVerb} from '../../lib/runtime/agent/verbs.js';
import type {ClusterRun, RunHost} from '../../lib/runtime/lifecycle/run.js';
import type {ClusterSetting, SettingHost} from '../../lib/runtime/lifecycle/setting.js';
import {createLocalTransport} from '../../lib/runtime/transport/local/local.js';
import type {Transport} from '../../lib/runtime/transport/transport.js';

export interface OneHostRun {
	readonly run: ClusterRun;
	/** What the agent was asked for, as it came over the wire. */
	readonly asked: {readonly verb: string; readonly params: unknown}[];
}

/**
 * A run on one host, which is this machine. Verbs of the agent are answered by `answers`; those that are not in it are done by the
 * agent's own code.
 */
export function oneHostRun(
	setting: ClusterSetting,
	host: SettingHost,
	root: string,
	options: {
		readonly answers?: Readonly<Record<string, unknown>>;
		readonly trees?: Readonly<Record<string, string>>;
		readonly state?: RunHost['state'];
	} = {},
): OneHostRun {
	const {answers = {}, trees = {}, state} = options;
	const asked: {verb: string; params: unknown}[] = [];
	const close = (): Promise<void> => Promise.resolve();
	const agent: AgentConnection = {
		host: host.name,
		identity: {protocol: 1, version: '0', platform: host.platform},
		async call(name, params, {signal, onEvent} = {}) {
			const sent: unknown = JSON.parse(JSON.stringify(params));
			const verb = await loadVerb(agentVerbs, name);
			const parsed = verb.parse(sent);
			asked.push({verb: name, params: sent});
			if (Object.hasOwn(answers, name)) return answers[name];
			const context = {session: {}, root, event: onEvent ?? (() => undefined), defer: () => undefined};
			return await verb.run(parsed, {...context, signal: signal ?? new AbortController().signal});
		},
		close,
		[Symbol.asyncDispose]: close,
	};
	const runHost: RunHost = {
		...host,
		state,
		target: {name: host.name, address: 'local', roles: host.roles, login: {}},
		transport: asLogin(createLocalTransport({host: host.name})),
		agent: () => Promise.resolve(agent),
	};
	const run: ClusterRun = {
		setting,
		hosts: new Map([[host.name, runHost]]),
		root,
		liveMasters: () => [],
		noteLive: () => undefined,
		treeOf: (_, image) => trees[image] ?? '',
		noteDone: close,
	};
	return {run, asked};
}

/** Whoever runs the tests need not be root. */
function asLogin(transport: Transport): Transport {
	return {...transport, spawn: (argv, options) => transport.spawn(argv, {...options, as: 'login'})};
}
