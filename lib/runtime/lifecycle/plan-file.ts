import {SealError} from '../../core/errors.js';
import {bracketed} from '../host/address.js';
import type {HostLogin, HostTarget} from '../host/target.js';
import {type Plan, parsePlan} from '../plan/plan.js';
import type {ClusterState, HostReach} from '../state/cluster-state.js';
import {isClusterState} from '../state/parse-state.js';
import type {Operated} from './operated.js';
import type {ClusterVerb} from './request.js';
import type {ClusterSetting, SettingHost} from './setting.js';

/** A plan to be kept, with what it was made from: it is made again before it is done, and must come out the same. JSON-safe, without secrets. */
export interface PlanFile {
	readonly plan: Plan;
	readonly verb: ClusterVerb;
	readonly wanted: ClusterSetting;
	readonly leaving: readonly SettingHost[];
	readonly applications: readonly string[];
	readonly isForced: boolean;
	readonly reach: Readonly<Record<string, HostReach>>;
}

/** What "plan --output json" prints. */
export function planFileOf({plan, setting, leaving, applications, isForced, reach}: Operated): PlanFile {
	return {plan, verb: plan.verb as ClusterVerb, wanted: setting, leaving, applications, isForced, reach};
}

/**
 * Reads a file that "plan --output json" printed. What is in it beside the plan counts only as far as the very same plan follows from it.
 * @throws SealError ERR_PLAN when it is none, was edited, or is of a newer sealimage
 */
export function parsePlanFile(text: string, shown: string): PlanFile {
	const value = readJson(text, shown);
	const plan = parsePlan(JSON.stringify(value.plan ?? value), shown);
	const {wanted, leaving, applications, reach, isForced = false} = value as Partial<PlanFile>;
	const verb = verbs.find(name => name === plan.verb);
	const isWhole =
		verb !== undefined &&
		isSetting(wanted, leaving, reach) &&
		Array.isArray(applications) &&
		applications.every(name => typeof name === 'string');
	if (!isWhole) throw refuse(shown, 'parts of it are missing');
	return {plan, verb, wanted: wanted!, leaving: leaving!, applications, isForced: isForced === true, reach: reach!};
}

/**
 * The hosts of a plan. A file must not send logins elsewhere: a host that is not remembered is reached by its own name.
 * @throws SealError ERR_PLAN
 */
export function plannedTargets(
	{wanted, leaving, reach}: PlanFile,
	remembered: ClusterState | undefined,
	login: HostLogin | undefined,
): readonly HostTarget[] {
	const hosts = new Map([...leaving, ...wanted.hosts].map(host => [host.name, host]));
	return Object.entries(reach).map(([name, said]): HostTarget => {
		const known =
			remembered !== undefined && Object.hasOwn(remembered.reach, name) ? remembered.reach[name] : undefined;
		const {address, port, user, jumps, identityFiles = []} = known ?? said;
		if (known === undefined && address !== name && name !== `${bracketed(address)}:${port ?? 22}`) {
			throw new SealError('ERR_PLAN', `The plan would reach the host ${name} as ${address}`, {
				hint: 'Make the plan anew on this machine, or take the cluster from a master with "sealimage clusters import" first.',
			});
		}
		const way = {
			port,
			user,
			jumps,
			...(identityFiles.length === 0 ? {} : {identities: identityFiles.map(path => ({file: path}))}),
		};
		const set = Object.fromEntries(Object.entries(way).filter(([, value]) => value !== undefined));
		return {name, address, roles: hosts.get(name)?.roles ?? [], login: {...login, ...set}};
	});
}

/** As the state of a cluster is read: every field that is used has its form. */
function isSetting(wanted: unknown, leaving: unknown, reach: unknown): boolean {
	if (!isObject(wanted) || !Array.isArray(leaving) || !('hosts' in wanted) || !Array.isArray(wanted.hosts))
		return false;
	const nameOf = (host: unknown): unknown => (host as {readonly name?: unknown} | null)?.name;
	const names = new Set((wanted.hosts as unknown[]).map(nameOf));
	const others = (leaving as unknown[]).filter(host => !names.has(nameOf(host)));
	const setting = {...wanted, hosts: [...(wanted.hosts as unknown[]), ...others]};
	return isClusterState({schema: 1, generation: 1, writtenBy: 'plan', setting, reach, done: {}});
}

const verbs: readonly ClusterVerb[] = ['run', 'apply', 'add', 'delete', 'reset'];

function readJson(text: string, shown: string): Readonly<Record<string, unknown>> {
	try {
		const value: unknown = JSON.parse(text);
		if (isObject(value)) return value as Readonly<Record<string, unknown>>;
	} catch (cause) {
		throw refuse(shown, 'it is no JSON', cause);
	}
	throw refuse(shown, 'it is no JSON object');
}

function isObject<T>(value: T): value is T & object {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(shown: string, why: string, cause?: unknown): SealError {
	return new SealError('ERR_PLAN', `${shown} cannot be used as a plan: ${why}`, {
		hint: 'Name a file that "sealimage plan --output json" printed.',
		cause,
	});
}
