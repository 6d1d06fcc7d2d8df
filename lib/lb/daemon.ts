import {stat} from 'node:fs/promises';
import {setTimeout as sleep} from 'node:timers/promises';
import {systemCode} from '../core/errors.js';
import {emit, type OperationOptions} from '../core/events.js';
import {endpointText} from '../core/ip-address.js';
import {type BalancerConfig, readConfig} from './config.js';
import {watchEndpoints} from './endpoints.js';
import {apiAccess} from './kubeconfig.js';
import {membersText, readLearnt, usableMembers, writeLearnt} from './learnt.js';
import type {Notify} from './notify.js';
import {openProbePorts} from './probe-ports.js';
import {type BalancerReport, reportBalancer} from './report.js';
import {type Balancer, runBalancer} from './run.js';
import type {BalancerSpec, Member} from './spec.js';
import {serveStatus} from './status-server.js';
import {prepareNode} from './surroundings/prepare.js';
import {type BalancerTable, type Form, openTable} from './table.js';

export interface DaemonOptions extends OperationOptions {
	/** Where the members that the cluster told are kept over restarts. Default `/var/lib/sealimage/lb/members.json`. */
	readonly learntFile?: string | undefined;
	/** Tells the service manager how things stand. */
	readonly notify?: Notify | undefined;
	/** How often the service manager wants to hear that all is well. */
	readonly watchdogMs?: number | undefined;
	/** How the node's kernel is reached. Default: this machine's. */
	readonly node?: BalancerNode | undefined;
}

/** What a balancer changes: surroundings and table of a kernel. */
export interface BalancerNode {
	readonly prepare: typeof prepareNode;
	readonly openTable: typeof openTable;
}

const thisMachine: BalancerNode = {prepare: prepareNode, openTable};

export const defaultLearntFile = '/var/lib/sealimage/lb/members.json';
/** How often the file is looked at. */
const lookMs = 2000;
/** How often the surroundings are made sure of: somebody may flush routes and rules. */
const prepareMs = 30_000;
/** Before the cluster is asked again for its members. */
const againMs = 5000;

/**
 * The balancer of a node, until the signal aborts: prepares the node, keeps the table true, follows its file and the cluster, and answers for itself on
 * loopback. Whatever goes wrong on the way is an event, and the table that there is goes on. Ends leaving the table in place.
 * @throws what `readConfig`, `prepareNode` and the kernel throw at the start
 */
export async function runDaemon(file: string, options: DaemonOptions): Promise<void> {
	const {learntFile = defaultLearntFile, notify = () => {}, node = thisMachine, signal} = options;
	const before = await fingerprint(file);
	let config = await readConfig(file);
	let learnt = await readLearnt(learntFile, config.spec);
	const {onEvent} = options;
	const {form} = await node.prepare(config.spec, {...config, onEvent, signal});
	const table = await node.openTable(config.spec, form);
	const status: {close?: () => Promise<void>} = {};
	const spec = (): BalancerSpec => ({...config.spec, members: learnt ?? config.spec.members});
	try {
		const nextPort = await openProbePorts();
		const balancer = runBalancer(spec(), table, {...options, authority: config.authority, nextPort});
		const update = (): void => balancer.update(spec(), config.authority);
		const report = (): BalancerReport => reportBalancer(spec(), table, balancer);
		status.close = await serveStatus(config.statusPort, report, options);
		notify('READY=1');
		await Promise.all([
			balancer.done,
			keepAlive(balancer, notify, options),
			keepPrepared(() => config, form, options),
			followFile({file, before, config: () => config}, options, next => {
				if (endpointText(next.spec) !== endpointText(config.spec)) {
					const message = `The virtual address in ${file} is ${endpointText(next.spec)} now`;
					warn(options, 'BalancerAddress', message, 'Restart the service: it goes on with the former one.');
					return;
				}
				if (membersText(next.spec.members) !== membersText(config.spec.members)) learnt = undefined;
				config = next;
				update();
			}),
			followCluster(
				() => config,
				options,
				told => {
					const members = usableMembers(config.spec, told);
					if (members.length === 0 || (learnt !== undefined && membersText(members) === membersText(learnt))) return;
					learnt = members;
					update();
					writeLearnt(learntFile, config.spec, members).catch((error: unknown) =>
						warn(options, 'BalancerMembers', (error as Error).message),
					);
				},
			),
		]);
	} finally {
		await status.close?.();
		table.close();
		if (signal?.aborted === true) notify('STOPPING=1');
	}
}

/** A watchdog is fed as long as the kernel takes what we want. */
async function keepAlive(balancer: Balancer, notify: Notify, {watchdogMs, signal}: DaemonOptions): Promise<void> {
	if (watchdogMs === undefined) return;
	while (await waited(watchdogMs, signal)) if (balancer.failure === undefined) notify('WATCHDOG=1');
}

/** The form stays as it is while the balancer runs, also when somebody loads IPVS meanwhile. */
async function keepPrepared(config: () => BalancerConfig, form: Form, options: DaemonOptions): Promise<void> {
	const {node = thisMachine} = options;
	while (await waited(prepareMs, options.signal)) {
		try {
			const {changes} = await node.prepare(config().spec, {...config(), form});
			for (const change of changes) warn(options, 'BalancerMended', `Mended: ${change}`);
		} catch (error) {
			warn(options, 'BalancerSurroundings', (error as Error).message);
		}
	}
}

interface FollowedFile {
	readonly file: string;
	/** How it looked before it was read. */
	readonly before: string;
	readonly config: () => BalancerConfig;
}

/** Follows the file and the authority that it names. What cannot be used is told once, and the table that runs stays. */
async function followFile(
	{file, before, config}: FollowedFile,
	options: DaemonOptions,
	onConfig: (config: BalancerConfig) => void,
): Promise<void> {
	let seen = before;
	let seenAuthority: string | undefined;
	while (await waited(lookMs, options.signal)) {
		const [now, authority] = [await fingerprint(file), await fingerprint(config().spec.probe.caFile)];
		const isSame = now === seen && authority === (seenAuthority ?? authority);
		seen = now;
		seenAuthority = authority;
		if (isSame) continue;
		try {
			onConfig(await readConfig(file));
		} catch (error) {
			warn(options, 'BalancerConfig', (error as Error).message, 'The balancer goes on as it was.');
		}
	}
}

async function fingerprint(file: string | undefined): Promise<string> {
	if (file === undefined) return '';
	const found = await stat(file).catch((error: unknown) => systemCode(error));
	return typeof found === 'object' ? [found.ino, found.size, found.mtimeMs].join() : String(found);
}

async function followCluster(
	config: () => BalancerConfig,
	options: DaemonOptions,
	onMembers: (members: readonly Member[]) => void,
): Promise<void> {
	let told: string | undefined;
	do {
		const {kubeconfig} = config();
		if (kubeconfig === undefined) continue;
		try {
			await watchEndpoints(await apiAccess(kubeconfig), onMembers, options);
			told = undefined;
		} catch (error) {
			const message = (error as Error).message;
			if (options.signal?.aborted !== true && message !== told) warn(options, 'BalancerEndpoints', message);
			told = message;
		}
	} while (await waited(againMs, options.signal));
}

/** Writes the rules once and goes: a way to the API before anything else runs, as for `kubeadm join`. */
export async function balanceOnce(
	config: BalancerConfig,
): Promise<{readonly changes: readonly string[]; readonly report: BalancerReport}> {
	const {form, changes} = await prepareNode(config.spec, config);
	const table: BalancerTable = await openTable(config.spec, form);
	try {
		const end = AbortSignal.abort();
		const rules: string[] = [];
		const balancer = runBalancer(config.spec, table, {
			signal: end,
			trustsAll: true,
			onEvent: event => {
				if (event.type === 'balancer.table') rules.push(event.change);
			},
		});
		await balancer.done;
		return {changes: [...changes, ...rules], report: reportBalancer(config.spec, table)};
	} finally {
		table.close();
	}
}

async function waited(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
	await sleep(ms, undefined, {signal}).catch(() => undefined);
	return signal?.aborted !== true;
}

function warn(options: DaemonOptions, code: string, message: string, hint?: string): void {
	emit(options, {type: 'warning', code, message, ...(hint === undefined ? {} : {hint})});
}
