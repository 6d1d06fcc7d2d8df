import type {EachHostOptions, HostOutcome} from '../lib/runtime/host/each.js';
import {onHosts} from '../lib/runtime/host/on-hosts.js';
import type {HostTarget} from '../lib/runtime/host/target.js';
import type {Transport} from '../lib/runtime/transport/transport.js';
import type {Context} from './context.js';
import {reportHosts} from './host-report.js';
import type {HostFlags, LoginFlags} from './hosts.js';
import {reachHosts} from './reach.js';

/** What came of one question to many hosts. */
export interface Asked<T> {
	readonly hosts: readonly HostTarget[];
	readonly outcomes: readonly HostOutcome<T>[];
	/** Of the hosts that answered. */
	readonly values: readonly T[];
	/** As it follows from the hosts that did not. */
	readonly exitCode: number;
}

/**
 * Asks every host that flags and operands name, and tells on stderr which failed. `title` is for the progress.
 * @throws as `reachHosts`
 */
export async function askHosts<T>(
	title: string,
	{flags, operands}: {readonly flags: Partial<HostFlags> & LoginFlags; readonly operands: readonly string[]},
	context: Context,
	ask: (transport: Transport, options: Pick<EachHostOptions, 'signal' | 'onEvent'>) => Promise<T>,
): Promise<Asked<T>> {
	const {hosts, open, options} = await reachHosts(flags, operands, context);
	const {signal, onEvent} = options;
	const startedMs = performance.now();
	const outcomes = await onHosts(hosts, open, transport => ask(transport, {signal, onEvent}), {...options, title});
	const exitCode = reportHosts(outcomes, performance.now() - startedMs, context);
	return {hosts, outcomes, values: outcomes.flatMap(outcome => (outcome.ok ? [outcome.value] : [])), exitCode};
}
