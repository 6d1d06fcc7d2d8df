import type {HostFinding} from '../../lib/runtime/preflight/finding.js';
import {hostsText} from './hosts-text.js';
import type {Style} from './style.js';
import {printable, wrap} from './text.js';

/** What preflight found, one finding after another: what it is, where, why it matters, how to mend it. */
export function renderFindings(
	findings: readonly HostFinding[],
	hostCount: number,
	style: Style,
	width: number,
): string {
	return findings
		.map(({id, severity, hosts, what, why, mend}) => {
			const title = severity === 'error' ? style.red('error:') : style.yellow('warning:');
			const where = hosts.length === hostCount && hostCount > 1 ? `all ${hostCount} hosts` : hostsText(hosts);
			// What is about the cluster as a whole names no host.
			const subject = where === '' ? '' : `${style.bold(printable(where))}: `;
			return [
				`${title} ${subject}${printable(what)} ${style.dim(`[${id}]`)}`,
				...(why === '' ? [] : indented(why, width)),
				...indented(`${mend}`, width).map(line => style.cyan(line)),
			].join('\n');
		})
		.join('\n');
}

function indented(text: string, width: number): string[] {
	return wrap(printable(text), width - 3).map(line => `  ${line}`);
}
