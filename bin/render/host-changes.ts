import type {HostOutcome} from '../../lib/runtime/host/each.js';
import type {Style} from './style.js';
import {printable} from './text.js';
import {count} from './units.js';

/** What was done on each host, one line a host; with `dryRun` what would be done, one line a change. */
export function renderChanges(
	outcomes: readonly HostOutcome<{readonly changes: readonly string[]}>[],
	{dryRun, style}: {readonly dryRun: boolean; readonly style: Style},
): string {
	return outcomes
		.flatMap(outcome => {
			if (!outcome.ok) return [];
			const name = style.bold(printable(outcome.host));
			if (outcome.value.changes.length === 0) return [`${name}: nothing to do`];
			const amount = count(outcome.value.changes.length, 'change');
			return dryRun
				? [`${name}: ${amount}`, ...outcome.value.changes.map(change => `  ${change}`)]
				: [`${name}: ${amount}`];
		})
		.join('\n');
}
