import {readSettings} from './config.js';
import {type BalancerReport, isBalancerReport, reportBalancer} from './report.js';
import {askStatus} from './status-server.js';
import {type Finding, inspectNode} from './surroundings/inspect.js';
import {hasIpvs} from './surroundings/modules.js';
import {openTable} from './table.js';

export interface NodeReport extends BalancerReport {
	/** Whether a balancer answers on this machine; the kernel balances all the same. */
	readonly isRunning: boolean;
	readonly surroundings: readonly Finding[];
}

/** How the balancer of this machine stands: what the running one says, or else the kernel. @throws as readSettings and the kernel */
export async function reportNode(file: string): Promise<NodeReport> {
	const settings = await readSettings(file);
	const surroundings = await inspectNode(settings.spec, settings);
	const running = settings.statusPort === 0 ? undefined : await askStatus(settings.statusPort);
	if (running !== undefined) return {isRunning: true, ...running, surroundings};
	const table = await openTable(settings.spec, (await hasIpvs()) ? 'ipvs' : 'nftables');
	try {
		return {isRunning: false, ...reportBalancer(settings.spec, table), surroundings};
	} finally {
		table.close();
	}
}

/** Whether connections to the virtual address come to somebody. */
export function balances({inKernel, failure, members}: BalancerReport): boolean {
	return inKernel && failure === undefined && members.some(({weight}) => (weight ?? 0) > 0);
}

/** Reads what another machine says of its balancer. @throws Error when it is no such report */
export function parseNodeReport(text: string): NodeReport {
	const value: unknown = JSON.parse(text);
	const {isRunning, surroundings} = (value ?? {}) as Partial<Record<keyof NodeReport, unknown>>;
	const isWhole = isBalancerReport(value) && typeof isRunning === 'boolean' && Array.isArray(surroundings);
	if (!isWhole || !surroundings.every(isFinding)) throw new Error('It is no report of a load balancer');
	return {...value, isRunning, surroundings};
}

function isFinding(value: unknown): value is Finding {
	const {part, ok, text} = (value ?? {}) as Partial<Record<keyof Finding, unknown>>;
	return typeof part === 'string' && typeof ok === 'boolean' && typeof text === 'string';
}
