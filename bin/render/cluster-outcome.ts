import {isSealError} from '../../lib/core/errors.js';
import type {HostOutcome} from '../../lib/runtime/host/each.js';
import type {Operated} from '../../lib/runtime/lifecycle/operated.js';
import type {ActionOutcome} from '../../lib/runtime/plan/perform.js';
import {describe} from './cluster-plan.js';
import {renderError} from './error.js';
import {renderHostFailures} from './host-failures.js';
import {hostsText} from './hosts-text.js';
import {formatElapsed} from './progress-line.js';
import type {Style} from './style.js';
import {printable} from './text.js';
import {count} from './units.js';

export interface ShowOutcomeOptions {
	readonly style: Style;
	/** Of the terminal, if there is one. */
	readonly width: number | undefined;
	/** Where everything that was said is kept. */
	readonly logFile?: string | undefined;
}

/** What was done, how long it took, what failed with the host's own last words, and what to do next. */
export function renderOperated(operated: Operated, options: ShowOutcomeOptions): string {
	const {style, logFile} = options;
	const log = logFile === undefined ? [] : [style.dim(`log: ${printable(logFile)}`)];
	switch (operated.end) {
		case 'nothing':
			return `${style.green('ok')} ${printable(operated.plan.cluster)}: nothing to do, ${formatElapsed(operated.elapsedMs)}`;
		case 'planned':
			return '';
		case 'declined':
			return 'Nothing was done.';
		case 'done':
			return [doneLine(operated, style), ...cleanLines(operated, style), ...nextLines(operated, style), ...log].join(
				'\n',
			);
		case 'failed':
		case 'stopped':
			return [...failures(operated.outcomes, operated, options), endLine(operated, options), ...log].join('\n');
	}
}

function doneLine({plan, setting, outcomes, elapsedMs}: Operated, style: Style): string {
	const what = plan.verb === 'reset' ? 'taken away' : describe(setting);
	return `${style.green('ok')} ${printable(plan.cluster)}: ${what}, ${count(outcomes.length, 'step')} in ${formatElapsed(elapsedMs)}`;
}

/** What is left on hosts was told as it was found; here are their names. */
function cleanLines({restored}: Operated, style: Style): string[] {
	const clean = restored.filter(host => host.clean).map(({host}) => host);
	const others = restored.filter(host => !host.clean).map(({host}) => host);
	return [
		...(clean.length === 0 ? [] : [`${style.green('clean:')} ${printable(hostsText(clean))}`]),
		...(others.length === 0
			? []
			: [`${style.yellow('not clean:')} ${printable(hostsText(others))}; see the warnings above`]),
	];
}

function nextLines({plan, setting, known}: Operated, style: Style): string[] {
	if (plan.verb === 'reset') return [];
	const line = (what: string, command: string): string =>
		`${style.cyan('next:')} ${what} with ${style.bold(`"${command}"`)}`;
	return [
		...(known === undefined ? [line('use it', `sealimage kubeconfig ${setting.name} --merge`)] : []),
		line('look at it', `sealimage status ${setting.name}`),
	];
}

/** So many failures are told whole; of more, a table. */
const maxWhole = 2;

function failures(outcomes: readonly ActionOutcome[], {plan}: Operated, {style, width}: ShowOutcomeOptions): string[] {
	const actions = new Map(plan.actions.map(action => [action.id, action]));
	const failed = outcomes.flatMap(outcome => (outcome.state === 'failed' ? [outcome] : []));
	if (failed.length === 0) return [];
	if (failed.length <= maxWhole) {
		return failed.map(({id, error}) => {
			const title = actions.get(id)?.title ?? id;
			return `${style.dim(`while it should ${printable(title)}:`)}\n${renderError(error, style).trimEnd()}`;
		});
	}
	const byHost = failed.map(
		({id, error, elapsedMs}): HostOutcome<unknown> => ({
			host: actions.get(id)?.host ?? 'the cluster',
			ok: false,
			error,
			elapsedMs,
		}),
	);
	return [renderHostFailures(byHost, style, width)];
}

function endLine({end, plan, outcomes, elapsedMs}: Operated, {style}: ShowOutcomeOptions): string {
	const of = (state: ActionOutcome['state']): number => outcomes.filter(outcome => outcome.state === state).length;
	const left = of('skipped') + of('stopped');
	const parts = [
		`${of('done')} of ${count(outcomes.length, 'step')} done`,
		...(of('failed') === 0 ? [] : [`${of('failed')} failed`]),
		...(left === 0 ? [] : [`${left} not begun`]),
		formatElapsed(elapsedMs),
	];
	const title = end === 'failed' ? style.red('failed') : style.yellow('stopped');
	return `${title} ${printable(plan.cluster)}: ${parts.join(', ')}\n${style.cyan('next:')} the same command goes on where this ended`;
}

/** The outcomes of actions as JSON. */
export function actionJson(outcome: ActionOutcome): Readonly<Record<string, unknown>> {
	if (outcome.state !== 'failed') return {...outcome};
	const {error, ...rest} = outcome;
	return {...rest, error: isSealError(error) ? error.toJSON() : {code: 'ERR_INTERNAL', message: String(error)}};
}
