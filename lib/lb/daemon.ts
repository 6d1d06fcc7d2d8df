import {mkdir, readFile, stat} from 'node:fs/promises';
import {createServer} from 'node:http';
import {dirname} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {writeFileAtomic} from '../core/atomic-file.js';
import {systemCode} from '../core/errors.js';
import {emit, type OperationOptions} from '../core/events.js';
import {ifExists} from '../core/io-error.js';
import {endpointText} from '../core/ip-address.js';
import {type BalancerConfig, readConfig} from './config.js';
import {watchEndpoints} from './endpoints.js';
import {apiAccess} from './kubeconfig.js';
import type {Notify} from './notify.js';
import {type BalancerReport, formatMetrics, type MemberReport, reportBalancer} from './report.js';
import {type Balancer, runBalancer} from './run.js';
import {type BalancerSpec, type Member, memberKey, readSpec} from './spec.js';
import {prepareNode} from './surroundings/prepare.js';
import {type BalancerTable, type Form, openTable} from './table.js';

export interface DaemonOptions extends OperationOptions {
	/** Where the members that the cluster told are kept over restarts. Default `/var/lib/sealimage/lb/members.json`. */
	readonly learntFile?: string | undefined;
	/** Tells the service manager how things stand. */
	readonly notify?: Notify | undefined;
	/** How often the service manager wants to hear that all is well. */
	readonly watchdogMs?: number | undefined;
}

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
	const {learntFile = defaultLearntFile, notify = () => {}, signal} = options;
	let config = await readConfig(file);
	let learnt = await readLearnt(learntFile, config.spec);
	const {onEvent} = options;
	const {form} = await prepareNode(config.spec, {...config, onEvent, signal});
	const table = await openTable(config.spec, form);
	const status: {close?: () => Promise<void>} = {};
	try {
		const balancer = runBalancer(withMembers(config.spec, learnt), table, {...options, authority: config.authority});
		const update = (): void => balancer.update(withMembers(config.spec, learnt), config.authority);
		status.close = await serveStatus(
			config.statusPort,
			() => reportBalancer(withMembers(config.spec, learnt), table, balancer),
			options,
		);
		notify('READY=1');
		await Promise.all([
			balancer.done,
			keepAlive(balancer, notify, options),
			keepPrepared(() => config, form, options),
			followFile(file, options, next => {
				if (endpointText(next.spec) !== endpointText(config.spec)) {
					warn(
						options,
						'BalancerAddress',
						`The virtual address in ${file} is ${endpointText(next.spec)} now`,
						'Restart the service: it goes on with the former one.',
					);
					return;
				}
				if (membersText(next.spec.members) !== membersText(config.spec.members)) learnt = undefined;
				config = next;
				update();
			}),
			followCluster(
				() => config,
				options,
				members => {
					if (learnt !== undefined && membersText(members) === membersText(learnt)) return;
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

/** Members of another address family than the virtual address belong to the other half of a dual-stack cluster. */
function withMembers(spec: BalancerSpec, learnt: readonly Member[] | undefined): BalancerSpec {
	const usable = (learnt ?? []).filter(
		({address}) => address.includes(':') === spec.address.includes(':') && address !== spec.address,
	);
	return usable.length === 0 ? spec : {...spec, members: usable};
}

/** A watchdog is fed as long as the kernel takes what we want. */
async function keepAlive(balancer: Balancer, notify: Notify, {watchdogMs, signal}: DaemonOptions): Promise<void> {
	if (watchdogMs === undefined) return;
	while (await waited(watchdogMs, signal)) if (balancer.failure === undefined) notify('WATCHDOG=1');
}

/** The form stays as it is while the balancer runs, also when somebody loads IPVS meanwhile. */
async function keepPrepared(config: () => BalancerConfig, form: Form, options: DaemonOptions): Promise<void> {
	while (await waited(prepareMs, options.signal)) {
		try {
			const {changes} = await prepareNode(config().spec, {...config(), form});
			for (const change of changes) warn(options, 'BalancerMended', `Mended: ${change}`);
		} catch (error) {
			warn(options, 'BalancerSurroundings', (error as Error).message);
		}
	}
}

/** A file that cannot be used is told once, and the table that runs stays. */
async function followFile(
	file: string,
	options: DaemonOptions,
	onConfig: (config: BalancerConfig) => void,
): Promise<void> {
	let seen = await fingerprint(file);
	while (await waited(lookMs, options.signal)) {
		const now = await fingerprint(file);
		if (now === seen) continue;
		seen = now;
		try {
			onConfig(await readConfig(file));
		} catch (error) {
			warn(options, 'BalancerConfig', (error as Error).message, 'The balancer goes on as it was.');
		}
	}
}

async function fingerprint(file: string): Promise<string> {
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

/** Members that the cluster told, unless the file has named others since. */
async function readLearnt(file: string, spec: BalancerSpec): Promise<readonly Member[] | undefined> {
	const bytes = await ifExists(() => readFile(file));
	if (bytes === undefined) return undefined;
	try {
		const {of, members} = JSON.parse(bytes.toString()) as {of?: unknown; members?: unknown};
		return of === membersText(spec.members)
			? readSpec({members, address: spec.address, port: spec.port}, file).members
			: undefined;
	} catch {
		// Made by us for us: what is damaged is learnt again.
		return undefined;
	}
}

async function writeLearnt(file: string, {members: of}: BalancerSpec, members: readonly Member[]): Promise<void> {
	await mkdir(dirname(file), {recursive: true});
	await writeFileAtomic(file, JSON.stringify({of: membersText(of), members: members.map(memberKey)}));
}

function membersText(members: readonly Member[]): string {
	return members.map(memberKey).sort().join();
}

/** `/metrics` for Prometheus and `/status` for `lb status`, on loopback only. A port that is taken is no reason not to balance. */
async function serveStatus(
	port: number,
	report: () => BalancerReport,
	options: DaemonOptions,
): Promise<() => Promise<void>> {
	if (port === 0) return async () => {};
	const server = createServer((request, response) => {
		const [type, text] =
			request.url === '/metrics' ? ['text/plain; version=0.0.4', formatMetrics] : ['application/json', JSON.stringify];
		if (request.method !== 'GET' || (request.url !== '/metrics' && request.url !== '/status'))
			response.writeHead(404).end();
		else {
			try {
				response.writeHead(200, {'content-type': type}).end(text(report()));
			} catch (error) {
				response.writeHead(500).end((error as Error).message);
			}
		}
	});
	server.requestTimeout = 5000;
	try {
		await new Promise<void>((resolve, reject) => {
			server.once('error', reject).listen(port, '127.0.0.1', resolve);
		});
	} catch (error) {
		warn(
			options,
			'BalancerStatus',
			`Metrics cannot be shown on 127.0.0.1:${port}: ${(error as Error).message}`,
			'Choose another statusPort.',
		);
	}
	return async () => {
		server.closeAllConnections();
		await new Promise(resolve => server.close(resolve));
	};
}

/** Asks the balancer that runs on this machine; undefined when none answers. */
export async function askStatus(port: number): Promise<BalancerReport | undefined> {
	try {
		const response = await fetch(`http://127.0.0.1:${port}/status`, {signal: AbortSignal.timeout(2000)});
		const report: unknown = response.ok ? await response.json() : undefined;
		return isReport(report) ? report : undefined;
	} catch {
		return undefined;
	}
}

/** Any user of the machine may have taken the port before the balancer did. */
function isReport(value: unknown): value is BalancerReport {
	const {service, form, scheduler, inKernel, members, failure} = (value ?? {}) as Partial<
		Record<keyof BalancerReport, unknown>
	>;
	const texts = [service, form, scheduler, failure ?? ''];
	if (!texts.every(text => typeof text === 'string') || typeof inKernel !== 'boolean' || !Array.isArray(members))
		return false;
	return members.every((each: Partial<Record<keyof MemberReport, unknown>> | null) => {
		const {member, phase = '', lastError = '', forMs = 0, weight = 0} = each ?? {};
		const numbers = [forMs, weight, each?.activeConnections, each?.inactiveConnections, each?.connections];
		return [member, phase, lastError].every(text => typeof text === 'string') && numbers.every(Number.isFinite);
	});
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
