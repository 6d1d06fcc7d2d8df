import {type Answers, assignments} from '../answers.js';
import type {SecurityFacts} from '../facts.js';
import type {Probe} from '../probe.js';

/**
 * What may refuse things that would work elsewhere: SELinux, AppArmor, firewalls. The kernel's packet filters are asked only
 * where they are loaded already: asking loads them, and facts change nothing.
 */
export const securityProbe: Probe<SecurityFacts> = {
	script:
		() => `want /sys/fs/selinux/enforce /etc/selinux/config /sys/module/apparmor/parameters/enabled /etc/ufw/ufw.conf
for unit in iptables ip6tables; do
[ ! -s "/etc/sysconfig/$unit" ] || [ ! -L "/etc/systemd/system/multi-user.target.wants/$unit.service" ] || tell filter "$unit"
done
for root in /sys/fs/cgroup /sys/fs/cgroup/systemd; do
[ ! -d $root/system.slice/firewalld.service ] || tell filter firewalld
done
[ ! -d /sys/module/nf_tables ] || ! has nft || say nft "$(nft list chains 2>/dev/null | grep 'hook input')"
table=
read -r table 2>/dev/null </proc/net/ip_tables_names
for program in iptables-legacy-save iptables-save; do
[ -n "$table" ] && has $program || continue
say legacy "$($program -t filter 2>/dev/null | grep '^:INPUT')"
break
done`,
	read: answers => {
		const config = assignments(answers.lines('/etc/selinux/config')).get('SELINUX');
		const enforce = answers.line('/sys/fs/selinux/enforce');
		return {
			selinux:
				enforce === '1'
					? 'enforcing'
					: enforce === '0'
						? 'permissive'
						: answers.lines('/etc/selinux/config').length > 0
							? 'disabled'
							: 'absent',
			...(config === undefined ? {} : {selinuxConfigured: config}),
			apparmor: answers.line('/sys/module/apparmor/parameters/enabled') === 'Y',
			firewalls: readFirewalls(answers),
		};
	},
};

function readFirewalls(answers: Answers): readonly string[] {
	const filters = new Set(answers.said('filter'));
	const found = [
		filters.has('firewalld') ? 'firewalld' : '',
		assignments(answers.lines('/etc/ufw/ufw.conf')).get('ENABLED')?.toLowerCase() === 'yes' ? 'ufw' : '',
		filters.has('iptables') || answers.said('legacy').some(line => line.includes(' DROP ')) ? 'iptables' : '',
		answers.said('nft').some(line => /policy drop/.test(line)) ? 'nftables' : '',
	].filter(Boolean);
	// Both firewalld and ufw write their rules with nftables: that is one firewall, not two.
	return found.length > 1 ? found.filter(name => name !== 'nftables') : found;
}
