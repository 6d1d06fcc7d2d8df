import {SealError} from '../../../core/errors.js';
import {emit, type OperationOptions} from '../../../core/events.js';
import {printable} from '../../agent/reply.js';
import type {HostFacts} from '../../facts/facts.js';
import {gatherFacts} from '../../facts/gather.js';
import type {ClusterRun, RunHost} from '../../lifecycle/run.js';
import type {Leftover} from '../../node/work.js';
import type {PlannedAction} from '../../plan/action.js';

/** The host that an action is for. @throws SealError ERR_PLAN when the run has none of that name */
export function hostOf(run: ClusterRun, {host, id}: Pick<PlannedAction, 'host' | 'id'>): RunHost {
	const found = host === undefined ? undefined : run.hosts.get(host);
	if (found !== undefined) return found;
	throw new SealError('ERR_PLAN', `The plan makes no sense: "${id}" is for no host of the run`, {
		hint: 'Make the plan anew.',
	});
}

/** What is known of the host; asked now when it did not answer before. */
export async function factsOf({state, transport}: RunHost, options: OperationOptions): Promise<HostFacts> {
	return state?.facts ?? (await gatherFacts(transport, {signal: options.signal}));
}

/** Calls a verb of the host's agent; the title of each step that is done becomes a line of output of the action. */
export async function callAgent(
	host: RunHost,
	verb: string,
	params: unknown,
	id: string,
	options: OperationOptions,
): Promise<unknown> {
	const agent = await host.agent();
	return await agent.call(verb, params, {
		signal: options.signal,
		onEvent: event => {
			const done = (event as {readonly done?: unknown} | null)?.done;
			if (typeof done === 'string') tell(id, done, options);
		},
	});
}

/** One line of output of an action. Hosts say it: no control characters. */
export function tell(id: string, line: string, options: OperationOptions): void {
	emit(options, {type: 'command.output', id, stream: 'stdout', text: `${printable(line, 2000)}\n`});
}

/** Something that is not as it was before. */
export function warnOfLeftover(host: string, {what, why}: Leftover, options: OperationOptions): void {
	emit(options, {type: 'warning', code: 'Leftover', message: `${host}: ${printable(`${what}: ${why}`, 500)}`});
}
