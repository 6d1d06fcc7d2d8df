import {type HostCheck, listing, seen} from './check.js';

/** Does something on the host refuse what will be asked of it? */
export const securityChecks: readonly HostCheck[] = [
	{
		id: 'firewall-active',
		severity: 'warning',
		why: 'Hosts must reach each other, and a firewall refuses what it was not told to allow.',
		mend: 'Allow the hosts and the networks of the cluster, or switch the firewall off.',
		look: ({security: {firewalls}}) => seen(firewalls.length > 0, () => `A firewall is active: ${listing(firewalls)}`),
	},
	{
		id: 'selinux-enforcing',
		severity: 'warning',
		why: 'Without a policy for containers, SELinux keeps containers from their files.',
		mend: 'Install container-selinux, or make SELinux permissive.',
		look: ({security}) => seen(security.selinux === 'enforcing', () => 'SELinux is enforcing'),
	},
	{
		id: 'apparmor-without-parser',
		severity: 'error',
		why: 'Where the kernel has AppArmor, container runtimes call apparmor_parser for each container, and none starts without it.',
		mend: 'Install the package apparmor, or boot with apparmor=0.',
		look: ({security, software}) =>
			seen(
				security.apparmor && software.commands.apparmor_parser === undefined,
				() => 'AppArmor is on, and apparmor_parser is not installed',
			),
	},
];
