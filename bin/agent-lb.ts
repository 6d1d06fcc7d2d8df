import {isSealError} from '../lib/core/errors.js';
import type {SealEvent} from '../lib/core/events.js';
import {configFile, readConfig} from '../lib/lb/config.js';
import {balanceOnce, runDaemon} from '../lib/lb/daemon.js';
import {giveBackPages} from '../lib/lb/give-back.js';
import {reportNode} from '../lib/lb/node-report.js';
import {openNotify, watchdogMs} from '../lib/lb/notify.js';
import {removeNode} from '../lib/lb/remove.js';
import {prepareNode} from '../lib/lb/surroundings/prepare.js';
import {balancerLine} from './render/balancer-line.js';
import {stopSignal} from './stop-signal.js';

const usage = 'usage: sealimage-agent lb once|run|status|remove|prepare [--config FILE]\n';

/** By then all that is used again and again was used once. */
const startedMs = 8000;

/** The load balancer of a node: `sealimage-lb.service`, and what looks at it. Lines for people go to stderr, documents to stdout. @returns the exit code */
export async function runAgentBalancer(args: readonly string[]): Promise<number> {
	const [verb = '', flag, file = configFile, more] = args;
	if (!Object.hasOwn(verbs, verb) || (flag !== undefined && flag !== '--config') || more !== undefined) {
		process.stderr.write(usage);
		return 2;
	}
	const signal = stopSignal();
	try {
		const answer = await verbs[verb as keyof typeof verbs](file, signal);
		if (answer !== undefined) process.stdout.write(`${JSON.stringify(answer)}\n`);
		return 0;
	} catch (error) {
		if (signal.aborted) return 0;
		process.stderr.write(`${lineOf(error)}\n`);
		return 1;
	}
}

const verbs = {
	/** Before `run`, which may do less. */
	async prepare(file: string, signal: AbortSignal) {
		const config = await readConfig(file);
		return await prepareNode(config.spec, {...config, signal, onEvent: log});
	},
	once: async (file: string) => await balanceOnce(await readConfig(file)),
	async run(file: string, signal: AbortSignal) {
		const notify = await openNotify(process.env.NOTIFY_SOCKET);
		setTimeout(() => void giveBackPages(), startedMs).unref();
		await runDaemon(file, {signal, notify, watchdogMs: watchdogMs(process.env.WATCHDOG_USEC), onEvent: log});
		return undefined;
	},
	status: reportNode,
	remove: async (file: string) => ({changes: await removeNode(file)}),
};

/** One line: whoever asks the journal for the last one sees all of it. */
function lineOf(error: unknown): string {
	if (!isSealError(error)) return String(error);
	return `${error.code}: ${error.message}${error.hint === undefined ? '' : `. ${error.hint}`}`;
}

function log(event: SealEvent): void {
	const line = balancerLine(event);
	if (line !== undefined) process.stderr.write(`${line}\n`);
}
