import type {HostFinding} from '../preflight/finding.js';
import {containerdHint, containerdProblem} from './containerd.js';
import type {MirrorState} from './observe.js';

/** What keeps pulls of a host from going through its registry. */
export function mirrorFindings(host: string, {containerd}: MirrorState): readonly HostFinding[] {
	const findings: HostFinding[] = [];
	const problem = containerdProblem(containerd?.dump);
	if (problem !== undefined) {
		findings.push({
			id: 'containerd-config-path',
			severity: 'warning',
			hosts: [host],
			what: `containerd does not ask the registry of the host: ${problem}`,
			why: 'Its pulls go to the registries on the network, and fail where those cannot be reached.',
			mend: containerdHint,
		});
	}
	const folders = containerd?.ownFolders ?? [];
	if (folders.length > 0) {
		const shown = folders.slice(0, 5).join(', ');
		findings.push({
			id: 'containerd-own-hosts',
			severity: 'warning',
			hosts: [host],
			what: `containerd has settings of its own for ${shown}${folders.length > 5 ? ' and others' : ''}`,
			why: 'A folder of a registry in certs.d counts instead of _default: these pulls do not come to the registry of the host.',
			mend: 'Remove the folders in /etc/containerd/certs.d that are not needed any more.',
		});
	}
	return findings;
}
