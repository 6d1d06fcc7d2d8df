import {isIP} from 'node:net';
import {isSealError} from '../lib/core/errors.js';
import {type BalanceWish, checkWish} from '../lib/runtime/balance/plan.js';
import type {HostTarget} from '../lib/runtime/host/target.js';
import {UsageError} from './usage-error.js';

export interface BalancerFlags {
	readonly members: readonly string[];
	readonly 'virtual-address': string | undefined;
	readonly scheduler: string | undefined;
	readonly probe: string | undefined;
	readonly kubeconfig: string | undefined;
}

/**
 * What `lb install` gives to every host.
 * @param texts the settings as JSON, and the authority as PEM or `none`
 * @throws UsageError for what makes no balancer
 */
export function balancerWish(
	flags: BalancerFlags,
	hosts: readonly HostTarget[],
	{settings, authority}: {readonly settings: string | undefined; readonly authority: string | undefined},
): BalanceWish {
	const given = settings === undefined ? {} : readSettings(settings);
	const {scheduler, kubeconfig, members: named} = flags;
	const probe = {...(given.probe as object | undefined), ...(flags.probe === undefined ? {} : {kind: flags.probe})};
	const config = {
		...given,
		...readVirtualAddress(flags['virtual-address']),
		members: named.length > 0 ? named : (given.members ?? mastersOf(hosts)),
		...(scheduler === undefined ? {} : {scheduler}),
		...(kubeconfig === undefined ? {} : {kubeconfig}),
		...(Object.keys(probe).length === 0 ? {} : {probe}),
	};
	const wish = {config, authority};
	try {
		checkWish(wish);
	} catch (error) {
		if (!isSealError(error)) throw error;
		throw new UsageError(error.message, {code: error.code, hint: error.hint, details: error.details});
	}
	return wish;
}

function readSettings(text: string): Readonly<Record<string, unknown>> {
	try {
		const value: unknown = JSON.parse(text);
		if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
	} catch (error) {
		throw new UsageError(`--settings: it is no JSON: ${(error as Error).message}`, {code: 'ERR_LB_CONFIG'});
	}
	throw new UsageError('--settings: it holds no object', {code: 'ERR_LB_CONFIG'});
}

function readVirtualAddress(text: string | undefined): {readonly address?: string; readonly port?: number} {
	if (text === undefined) return {};
	const found = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
	const address = found?.[1] ?? found?.[2] ?? text;
	return {address, ...(found?.[3] === undefined ? {} : {port: Number(found[3])})};
}

function mastersOf(hosts: readonly HostTarget[]): readonly string[] {
	const masters = hosts.filter(({roles}) => roles.includes('master'));
	if (masters.length === 0) {
		throw new UsageError('Nobody says which API servers to balance', {
			hint: 'Name them with --members, or name hosts with --masters or --cluster.',
		});
	}
	const unnamed = masters.find(({address}) => isIP(address) === 0);
	if (unnamed !== undefined) {
		throw new UsageError(`The master ${unnamed.name} is known by name, and a member needs an address`, {
			hint: 'Name the addresses of the API servers with --members.',
		});
	}
	return masters.map(({address}) => address);
}
