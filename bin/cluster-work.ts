import {hostname} from 'node:os';
import {hasCode} from '../lib/core/errors.js';
import type {Secret} from '../lib/core/secret.js';
import {HostsError} from '../lib/runtime/host/hosts-error.js';
import {FindingsError} from '../lib/runtime/lifecycle/findings-error.js';
import type {OperateOptions} from '../lib/runtime/lifecycle/operate-request.js';
import type {Operated, Proposal} from '../lib/runtime/lifecycle/operated.js';
import {openRunLog, type RunLog} from '../lib/runtime/state/run-log.js';
import type {agentFlags} from './agent-flags.js';
import {clusterAgents} from './cluster-agents.js';
import type {changeFlags} from './cluster-flags.js';
import type {ClusterLogin, ClusterLoginFlags} from './cluster-login.js';
import {clusterCache} from './clusters.js';
import type {FlagValues, Result} from './command.js';
import type {Context} from './context.js';
import {exitCodes} from './exit-codes.js';
import {openWays, userName} from './reach.js';
import {actionJson, renderOperated} from './render/cluster-outcome.js';
import {renderProposal} from './render/cluster-plan.js';
import {renderError} from './render/error.js';
import {renderHostFailures} from './render/host-failures.js';
import {renderFindings} from './render/host-findings.js';
import {UsageError} from './usage-error.js';
import {readVersion} from './version.js';

export type ChangeFlags = ClusterLoginFlags & FlagValues<typeof agentFlags> & FlagValues<typeof changeFlags>;

/** What one command does to a cluster. */
export interface ClusterWork {
	/** `run`, for the name of its log. */
	readonly verb: string;
	readonly cluster: string;
	readonly store: OperateOptions['store'];
	readonly isForced?: boolean | undefined;
	operate(options: OperateOptions): Promise<Operated>;
}

/**
 * Shows what would be done to a cluster, asks, does it while it tells how it goes, and says what came of it. The first Ctrl-C lets what runs
 * come to its end.
 * @throws UsageError; what the operation throws before it has begun to change anything
 */
export async function workOnCluster(
	work: ClusterWork,
	flags: ChangeFlags,
	{flags: loginFlags, context, login}: ClusterLogin,
): Promise<Result> {
	const {open, options: ways} = await openWays(loginFlags, true, context);
	const stop = new AbortController();
	const secrets = [login.password, login.passphrase, login.sudoPassword].filter(secret => secret !== undefined);
	const log = await openLog(work, flags, secrets, context);
	const begin = (): void => {
		context.stopGently().addEventListener('abort', () => stop.abort(), {once: true});
	};
	const options: OperateOptions = {
		...ways,
		onEvent(event) {
			log?.onEvent(event);
			context.onEvent(event);
		},
		open,
		store: work.store,
		agents: clusterAgents(flags, work.store, context),
		clustersDir: context.settings.clusters.value,
		operator: {who: userName(context.io.env), from: hostname()},
		writtenBy: readVersion(),
		login,
		confirm: async proposal => {
			const isAgreed = await agree(proposal, work, flags, context);
			if (isAgreed) begin();
			return isAgreed;
		},
		isDryRun: flags['dry-run'],
		stop: stop.signal,
		ignore: flags.ignore,
		isForced: work.isForced,
		now: context.io.now,
	};
	try {
		const result = resultOf(await work.operate(options), context, log?.path);
		await log?.end({exitCode: result.exitCode ?? exitCodes.ok.code});
		return result;
	} catch (error) {
		tellHosts(error, context);
		await log?.end({exitCode: exitCodes.failure.code, error});
		throw error;
	}
}

async function agree(proposal: Proposal, {verb}: ClusterWork, flags: ChangeFlags, context: Context): Promise<boolean> {
	const {errorStyle: style, io, settings} = context;
	// Nobody agrees to what they have not seen.
	if (!flags.yes || (!context.quiet && settings.output.value !== 'json'))
		context.note(renderProposal(proposal, {style, width: io.stderr.columns || 100, isWhole: false}));
	if (flags.yes) return true;
	if (io.stdin.isTTY !== true || io.stderr.isTTY !== true) {
		throw new UsageError(`${verb} asks before it changes anything, and this is no terminal`, {
			hint: 'Run it with --yes, or look at the plan with --dry-run.',
		});
	}
	return (await context.ask('Type yes to do this: '))?.trim().toLowerCase() === 'yes';
}

/** What runs are logged for is to be read when something went wrong: a log that cannot be written stops nothing. */
async function openLog(
	{verb, cluster}: ClusterWork,
	flags: ChangeFlags,
	secrets: readonly Secret[],
	context: Context,
): Promise<RunLog | undefined> {
	if (flags['dry-run']) return undefined;
	try {
		const folder = clusterCache(context).logFolder(cluster);
		return await openRunLog({folder, verb, version: readVersion(), secrets, now: context.io.now});
	} catch (error) {
		if (!hasCode(error, 'ERR_IO') && !hasCode(error, 'ERR_PERMISSION') && !hasCode(error, 'ERR_NO_SPACE')) throw error;
		context.onEvent({
			type: 'warning',
			code: 'ERR_IO',
			message: `There is no log of this run: ${(error as Error).message}`,
		});
		return undefined;
	}
}

/** Which host has what wrong is more than an error has room for. */
function tellHosts(error: unknown, context: Context): void {
	const {io, errorStyle: style} = context;
	if (context.settings.output.value === 'json') return;
	const width = io.stderr.isTTY === true ? io.stderr.columns || 80 : undefined;
	if (error instanceof HostsError) context.note(renderHostFailures(error.outcomes, style, width));
	if (error instanceof FindingsError) context.note(renderFindings(error.findings, 0, style, width ?? 100));
}

function resultOf(operated: Operated, context: Context, logFile: string | undefined): Result {
	const {plan, end, outcomes, findings, restored, elapsedMs} = operated;
	const isJson = context.settings.output.value === 'json';
	const width = context.io.stderr.isTTY === true ? context.io.stderr.columns || 80 : undefined;
	const isFit = !findings.some(({severity}) => severity === 'error');
	const isGood = end === 'nothing' || end === 'done' || end === 'planned';
	if (!isFit && !isJson) context.note(renderError(new FindingsError(findings), context.errorStyle));
	if (!isGood && !isJson) context.note(renderOperated(operated, {style: context.errorStyle, width, logFile}));
	return {
		json: {
			cluster: plan.cluster,
			verb: plan.verb,
			end,
			plan: plan.digest,
			actions: end === 'planned' ? plan.actions : outcomes.map(actionJson),
			findings,
			...(restored.length === 0 ? {} : {restored}),
			...(logFile === undefined || end === 'nothing' ? {} : {log: logFile}),
			elapsedMs,
		},
		text: () => {
			if (!isGood) return '';
			if (end === 'planned')
				return renderProposal(operated, {style: context.style, width: context.width, isWhole: true});
			return renderOperated(operated, {style: context.style, width, logFile});
		},
		exitCode:
			isGood && isFit ? exitCodes.ok.code : end === 'stopped' ? exitCodes.interrupted.code : exitCodes.failure.code,
	};
}
