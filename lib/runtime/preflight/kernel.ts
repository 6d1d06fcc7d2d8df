import type {HostFacts, ModuleState} from '../facts/facts.js';
import {type HostCheck, listing, type Seen, seen} from './check.js';
import type {HostNeeds} from './options.js';

/** Does the kernel have what will be asked of it? */
export const kernelChecks: readonly HostCheck[] = [
	{
		id: 'module-absent',
		severity: 'error',
		why: 'The kernel cannot do what these modules are for.',
		mend: 'Install the modules (on Ubuntu linux-modules-extra, on RHEL kernel-modules), or boot a kernel that has them.',
		look: (facts, needs) => modulesIn(facts, needs, 'absent', names => `The kernel has no ${listing(names)}`),
	},
	{
		id: 'module-blocked',
		severity: 'error',
		why: 'A rule on the host forbids the kernel to load modules that are needed.',
		mend: 'Remove the "install" lines of these modules below /etc/modprobe.d, and leave kernel.modules_disabled at 0.',
		look: (facts, needs) => modulesIn(facts, needs, 'blocked', names => `The host forbids to load ${listing(names)}`),
	},
	{
		id: 'kernel-not-restarted',
		severity: 'error',
		why: 'A kernel without the folder of its modules can load none: most often it was upgraded since the host was started.',
		mend: 'Restart the host.',
		look: (facts, needs) =>
			facts.kernel.modulesFolder || facts.identity.container !== undefined
				? []
				: modulesIn(
						facts,
						needs,
						'unknown',
						names => `The modules of the running kernel are gone, ${listing(names)} among them`,
					),
	},
	{
		id: 'cgroups-missing',
		severity: 'error',
		why: 'Containers are limited and counted by control groups.',
		mend: 'Boot without options that switch control groups off, and let systemd mount /sys/fs/cgroup.',
		look: ({kernel: {cgroup}}) =>
			seen(cgroup.version === 'none', () => 'No control groups are mounted at /sys/fs/cgroup'),
	},
	{
		id: 'cgroup-v1',
		severity: 'warning',
		why: 'Kubernetes 1.35 and newer refuse hosts with version 1 of control groups.',
		mend: 'Boot with systemd.unified_cgroup_hierarchy=1, or use a newer release of the distribution.',
		look: ({kernel: {cgroup}}) =>
			seen(cgroup.version === 'v1' || cgroup.version === 'hybrid', () => 'The control groups are version 1'),
	},
	{
		id: 'cgroup-controller-missing',
		severity: 'error',
		why: 'Without a controller, what it limits is not limited, and kubelets refuse to start.',
		mend: 'Switch the controllers on at boot (on a Raspberry Pi: cgroup_enable=memory in cmdline.txt).',
		look: ({kernel: {cgroup}}, {controllers = []}) => {
			const missing = controllers.filter(name => !cgroup.controllers.includes(name));
			return seen(
				cgroup.version !== 'none' && missing.length > 0,
				() => `Of the control groups, ${listing(missing)} ${missing.length === 1 ? 'is' : 'are'} off`,
			);
		},
	},
];

function modulesIn(
	{kernel}: HostFacts,
	{modules = []}: HostNeeds,
	state: ModuleState,
	say: (names: readonly string[]) => string,
): readonly Seen[] {
	const names = modules.filter(name => kernel.modules[name] === state);
	return names.length === 0 ? [] : [{what: say(names), detail: kernel.release}];
}
