import {SealError} from '../../core/errors.js';
import type {HostFinding} from '../preflight/finding.js';

/** Hosts are not fit for what is wanted of them. */
export class FindingsError extends SealError {
	readonly findings: readonly HostFinding[];

	constructor(findings: readonly HostFinding[]) {
		const errors = findings.filter(({severity}) => severity === 'error');
		const [first, ...more] = errors;
		const message =
			more.length === 0 && first !== undefined
				? `${first.hosts.slice(0, 5).join(', ')}: ${first.what}`
				: `${errors.length} things are wrong with the hosts`;
		super('ERR_PREFLIGHT', `${message}; nothing was done`, {
			hint: `Mend it, or go on in spite of it with --ignore ${errors.map(({id}) => id).join(',')}.`,
			details: {findings: findings.map(finding => ({...finding, hosts: finding.hosts.slice(0, 100)}))},
		});
		this.findings = findings;
	}
}
