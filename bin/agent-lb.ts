import {isSealError} from '../lib/core/errors.js';
import type {SealEvent} from '../lib/core/events.js';
import {configFile, readConfig} from '../lib/lb/config.js';
import {balanceOnce, runDaemon} from '../lib/lb/daemon.js';
import {openNotify, watchdogMs} from '../lib/lb/notify.js';
import {restoreNode} from '../lib/lb/surroundings/restore.js';
import {reportNode} from './node-balancer.js';
import {balancerLine} from './render/balancer-line.js';

const usage = 'usage: sealimage-agent lb once|run|status|remove [--config FILE]\n';

/** The load balancer of a node: `sealimage-lb.service`, and what looks at it. Lines for people go to stderr, documents to stdout. @returns the exit code */
export async function runAgentBalancer(args: readonly string[], signal: AbortSignal): Promise<number> {
	const [verb = '', flag, file = configFile, more] = args;
	if (!Object.hasOwn(verbs, verb) || (flag !== undefined && flag !== '--config') || more !== undefined) {
		process.stderr.write(usage);
		return 2;
	}
	try {
		const answer = await verbs[verb as keyof typeof verbs](file, signal);
		if (answer !== undefined) process.stdout.write(`${JSON.stringify(answer)}\n`);
		return 0;
	} catch (error) {
		if (signal.aborted) return 0;
		process.stderr.write(
			`${isSealError(error) ? `${error.code}: ${error.message}${error.hint === undefined ? '' : `\n${error.hint}`}` : String(error)}\n`,
		);
		return 1;
	}
}

const verbs = {
	once: async (file: string) => await balanceOnce(await readConfig(file)),
	async run(file: string, signal: AbortSignal) {
		const notify = await openNotify(process.env.NOTIFY_SOCKET);
		await runDaemon(file, {signal, notify, watchdogMs: watchdogMs(process.env.WATCHDOG_USEC), onEvent: log});
		return undefined;
	},
	status: reportNode,
	remove: async (file: string) => ({changes: await restoreNode((await readConfig(file)).spec)}),
};

function log(event: SealEvent): void {
	const line = balancerLine(event);
	if (line !== undefined) process.stderr.write(`${line}\n`);
}
