import {type HostCheck, listing, seen, size} from './check.js';

/** Is the machine large enough, and does it keep its memory in memory? */
export const hardwareChecks: readonly HostCheck[] = [
	{
		id: 'cpus-few',
		severity: 'error',
		why: 'With fewer processors the services of the host starve each other.',
		mend: 'Give the host more processors.',
		look: ({hardware: {cpus}}, {cpus: wanted = 0}) =>
			seen(cpus < wanted, () => ({what: `The host has fewer than ${wanted} processors`, detail: String(cpus)})),
	},
	{
		id: 'memory-small',
		severity: 'error',
		why: 'With less memory the kernel kills services of the host when they work hard.',
		mend: 'Give the host more memory.',
		look: ({hardware: {memoryBytes}}, {memoryBytes: wanted = 0}) =>
			seen(memoryBytes < wanted, () => ({
				what: `The host has less memory than ${size(wanted)}`,
				detail: size(memoryBytes),
			})),
	},
	{
		id: 'swap-on',
		severity: 'warning',
		why: 'A kubelet refuses to start with swap unless it is told to bear it.',
		mend: 'Switch swap off with swapoff -a, and take it out of /etc/fstab or the unit of zram.',
		look: ({hardware: {swaps}}) =>
			seen(swaps.length > 0, () => {
				const total = swaps.reduce((sum, swap) => sum + swap.sizeBytes, 0);
				return {what: 'Swap is on', detail: `${size(total)} at ${listing(swaps.map(swap => swap.path))}`};
			}),
	},
];
