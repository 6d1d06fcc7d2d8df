import type {Answers} from '../answers.js';
import type {CgroupFacts, KernelFacts} from '../facts.js';
import {mountsOf} from '../mounts.js';
import type {Probe} from '../probe.js';

/** The running kernel and how it divides resources among groups of processes. */
export const kernelProbe: Probe<Omit<KernelFacts, 'modules' | 'modulesFolder'>> = {
	script: () => `want /proc/sys/kernel/osrelease /sys/fs/cgroup/cgroup.controllers /proc/cgroups
pick '^[^ ]+ [^ ]+ [^ ]+ [^ ]+ /sys/fs/cgroup(/[A-Za-z_,]+)? ' /proc/self/mountinfo`,
	read: answers => ({release: answers.line('/proc/sys/kernel/osrelease') ?? 'unknown', cgroup: readCgroup(answers)}),
};

function readCgroup(answers: Answers): CgroupFacts {
	const mounts = mountsOf(answers).filter(mount => mount.fileSystem.startsWith('cgroup'));
	if (mounts.some(mount => mount.mountPoint === '/sys/fs/cgroup' && mount.fileSystem === 'cgroup2')) {
		return {
			version: 'v2',
			controllers: (answers.line('/sys/fs/cgroup/cgroup.controllers') ?? '').split(' ').filter(Boolean),
		};
	}
	const first = mounts.some(mount => mount.fileSystem === 'cgroup');
	if (!first) return {version: 'none', controllers: []};
	// Columns: name, hierarchy, number of groups, enabled. A controller that is not enabled was switched off at boot.
	const controllers = answers
		.lines('/proc/cgroups')
		.map(line => line.trim().split(/\s+/))
		.filter(([name, , , enabled]) => name !== undefined && !name.startsWith('#') && enabled === '1')
		.map(([name]) => name!);
	return {version: mounts.some(mount => mount.fileSystem === 'cgroup2') ? 'hybrid' : 'v1', controllers};
}
