import type {IdentityFacts} from '../facts.js';
import type {Probe} from '../probe.js';

/** Who the host is. Its own name is looked for in /etc/hosts only: asking DNS could take longer than all the rest. */
export const identityProbe: Probe<IdentityFacts> = {
	script:
		() => `want /proc/sys/kernel/hostname /etc/machine-id /sys/class/dmi/id/product_uuid /proc/sys/kernel/random/boot_id
want /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_name /proc/device-tree/model /run/systemd/container
[ ! -e /.dockerenv ] || tell container docker
[ ! -e /run/.containerenv ] || tell container podman
hostname=
read -r hostname 2>/dev/null </proc/sys/kernel/hostname
case $hostname in
'' | *[!A-Za-z0-9.-]*) ;;
*) pick "^[0-9a-fA-F:.]+[[:space:]](.*[[:space:]])?$hostname([[:space:]]|\\$)" /etc/hosts ;;
esac`,
	read: answers => {
		const hostname = answers.line('/proc/sys/kernel/hostname') ?? '';
		const machineId = answers.line('/etc/machine-id');
		const uuid = answers.line('/sys/class/dmi/id/product_uuid')?.toLowerCase();
		const bootId = answers.line('/proc/sys/kernel/random/boot_id');
		const container = answers.line('/run/systemd/container') ?? answers.said('container')[0];
		const dmi = ['sys_vendor', 'product_name'].map(name => answers.line(`/sys/class/dmi/id/${name}`) ?? '');
		const product = answers.line('/proc/device-tree/model') ?? dmi.join(' ').trim();
		return {
			hostname,
			hostsEntries: answers
				.lines('/etc/hosts')
				.map(line => line.split('#')[0]!.trim().split(/\s+/))
				.filter(([, ...names]) => names.includes(hostname))
				.map(([address]) => address!),
			...(machineId !== undefined && /^[0-9a-f]{32}$/i.test(machineId) ? {machineId: machineId.toLowerCase()} : {}),
			...(uuid !== undefined && isUuid(uuid) ? {productUuid: uuid} : {}),
			...(bootId === undefined ? {} : {bootId}),
			...(product === '' ? {} : {product}),
			...(container === undefined ? {} : {container}),
		};
	},
};

/** Boards whose maker wrote none have zeros, ones, or the sample of their firmware's maker. */
function isUuid(text: string): boolean {
	return (
		/^[0-9a-f-]{32,36}$/.test(text) && !/^[0-]+$|^[f-]+$/.test(text) && text !== '03000200-0400-0500-0006-000700080009'
	);
}
