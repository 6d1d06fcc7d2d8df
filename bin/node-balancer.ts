import {configFile, readConfig} from '../lib/lb/config.js';
import {askStatus} from '../lib/lb/daemon.js';
import {type BalancerReport, reportBalancer} from '../lib/lb/report.js';
import {type Finding, inspectNode} from '../lib/lb/surroundings/inspect.js';
import {hasIpvs} from '../lib/lb/surroundings/modules.js';
import {openTable} from '../lib/lb/table.js';
import type {Flags} from './command.js';

export const balancerFlags = {
	config: {
		type: 'string',
		value: 'FILE',
		default: configFile,
		help: 'the file that describes the load balancer',
		completes: 'file',
	},
} as const satisfies Flags;

export interface NodeReport extends BalancerReport {
	/** Whether a balancer answers on this machine; the kernel balances all the same. */
	readonly isRunning: boolean;
	readonly surroundings: readonly Finding[];
}

/** How the balancer of this machine stands: what the running one says, or else the kernel. @throws as readConfig and the kernel */
export async function reportNode(file: string): Promise<NodeReport> {
	const config = await readConfig(file);
	const surroundings = await inspectNode(config.spec, config);
	const running = config.statusPort === 0 ? undefined : await askStatus(config.statusPort);
	if (running !== undefined) return {isRunning: true, ...running, surroundings};
	const table = await openTable(config.spec, (await hasIpvs()) ? 'ipvs' : 'nftables');
	try {
		return {isRunning: false, ...reportBalancer(config.spec, table), surroundings};
	} finally {
		table.close();
	}
}
