import type {Scenario} from './scenarios.js';
import {memberOf, onlyBy, type Scene, shareLong} from './scene.js';
import type {Second} from './second.js';
import {serverNames} from './site.js';

/** What a trouble cost. */
export interface Outcome {
	readonly title: string;
	/** New connections from its begin until all was well again, and how many of them failed. */
	readonly opened: number;
	readonly failed: number;
	/** From its begin until the last one of those was begun. Where all servers were gone: from their return. */
	readonly lastFailedMs?: number;
	/** From its begin until the balancer changed something for a troubled server. */
	readonly decidedMs?: number;
	/** Long connections that a troubled server had, those that were cut, and when the last one was. */
	readonly longThere: number;
	readonly cut: number;
	readonly lastCutMs?: number;
	/** Decisions about servers that had no trouble, and what the kernel refused. */
	readonly wrong: readonly string[];
	/** New connections that failed, and long ones that were cut, when the trouble was over. */
	readonly backFailed: number;
	readonly backCut: number;
	/** Whether single packets that got lost would explain the new connections that failed: while it lasted, and when it was over. */
	readonly isStray: boolean;
	readonly isBackStray: boolean;
	/** The longest time in which the client could not run: where that is much, nothing of this is a finding. */
	readonly stalledMs: number;
	readonly note?: string;
}

/** Makes the trouble, waits until the balancer has done with it, and ends it. */
export async function runScenario(scene: Scene, scenario: Scenario): Promise<Outcome> {
	const {title, troubled, seconds: inARow} = scenario;
	const answering = scenario.answering ?? serverNames.filter(name => !troubled.includes(name));
	// Long connections gather at the servers that stayed; now all have some again.
	await shareLong(scene);
	const long = scene.seconds.at(-1)?.long ?? {};
	const askedAt = scene.now();
	const {at: beganAt = askedAt, note} = (await scenario.begin(scene)) ?? {};
	await scene.until(onlyBy(scene, answering), scene.now(), inARow);
	const endedAt = scene.now();
	await scenario.end?.(scene);
	if (scenario.end !== undefined) await scene.until(onlyBy(scene, serverNames), endedAt);
	const during = sums(scene.seconds.filter(({at}) => at > beganAt && at <= endedAt));
	const back = sums(scene.seconds.filter(({at}) => at > endedAt));
	const isAllGone = answering.length === 0;
	// Between a look at the table and a change somebody else may have emptied it: the next round mends that.
	const isForAll = troubled.length === serverNames.length;
	const lastFailedAt = isAllGone ? back.lastFailedAt : during.lastFailedAt;
	const members = troubled.map(name => memberOf(scene.site, name));
	const decisions = scene.events.filter(({at, type}) => at > beganAt && type.startsWith('balancer.'));
	const decided = decisions.find(({member = '', to = ''}) => members.includes(member) && isLoss(to));
	return {
		title,
		opened: during.opened,
		failed: during.failed,
		...(lastFailedAt === undefined ? {} : {lastFailedMs: Math.max(0, lastFailedAt - (isAllGone ? endedAt : beganAt))}),
		...(decided === undefined ? {} : {decidedMs: decided.at - beganAt}),
		longThere: troubled.reduce((sum, name) => sum + (long[name] ?? 0), 0),
		cut: during.cut,
		...(during.lastCutAt === undefined ? {} : {lastCutMs: during.lastCutAt - beganAt}),
		wrong: decisions
			.filter(
				({type, member = '', to = ''}) =>
					(type === 'balancer.failed' && !isForAll) || (isLoss(to) && !members.includes(member)),
			)
			.map(({member = '', to = '', message = ''}) => `${member} ${to}${message}`.trim()),
		backFailed: isAllGone ? 0 : back.failed,
		backCut: back.cut,
		isStray: isStray(during),
		isBackStray: isStray(back),
		stalledMs: Math.max(during.stalledMs, back.stalledMs),
		...(note === undefined ? {} : {note}),
	};
}

/** One line of a table in Markdown, below `outcomeHead`. */
export function outcomeRow({
	title,
	opened,
	failed,
	lastFailedMs,
	decidedMs,
	longThere,
	cut,
	lastCutMs,
	wrong,
	backFailed,
	note,
}: Outcome): string {
	const when = (ms: number | undefined): string => (ms === undefined ? '' : (ms / 1000).toFixed(1));
	const cells = [
		`${title}${note === undefined ? '' : `: ${note}`}`,
		`${failed} of ${opened}`,
		...[when(lastFailedMs), when(decidedMs)],
		`${cut} of ${longThere}`,
		...[when(lastCutMs), wrong.length, backFailed],
	];
	return `| ${cells.join(' | ')} |`;
}

export const outcomeHead = `| trouble | new connections failed | the last after s | decided after s | long ones cut | the last after s | wrong decisions | failed when it was over |
|---|---:|---:|---:|---:|---:|---:|---:|`;

/** Who loses its first packet hears nothing for a second; a connection that is refused or reset was lost by somebody. */
function isStray({opened, failed, silent}: Pick<ReturnType<typeof sums>, 'opened' | 'failed' | 'silent'>): boolean {
	return failed === silent && failed * 100 <= opened;
}

function isLoss(to: string): boolean {
	return ['dead', 'draining', 'gone'].includes(to);
}

function sums(seconds: readonly Second[]) {
	const sum = (value: (second: Second) => number): number => seconds.reduce((all, second) => all + value(second), 0);
	const last = (times: readonly (number | undefined)[]): number | undefined => times.findLast(at => at !== undefined);
	return {
		opened: sum(({opened}) => opened),
		failed: sum(({failed}) => failed),
		silent: sum(({why}) => why.silence ?? 0),
		cut: sum(({cut}) => cut),
		stalledMs: seconds.reduce((longest, {stalledMs}) => Math.max(longest, stalledMs), 0),
		lastFailedAt: last(seconds.map(({lastFailedAt}) => lastFailedAt)),
		lastCutAt: last(seconds.map(({lastCutAt}) => lastCutAt)),
	};
}
