import {endpointText} from '../../core/ip-address.js';
import {openRoutes} from '../netlink/route.js';
import type {BalancerSpec} from '../spec.js';
import {runsIpvs} from './modules.js';
import type {SurroundingsOptions} from './options.js';
import {podsAreMasqueraded} from './pods.js';
import {allowed} from './refusals.js';
import {differingSysctls, kernelRelease, readSysctl, wantedSysctls} from './sysctls.js';

/** How one part of the surroundings stands. */
export interface Finding {
	readonly part: 'module' | 'sysctl' | 'route' | 'masquerade' | 'forwarding';
	readonly ok: boolean;
	/** "net.ipv4.vs.conntrack is 0, not 1" */
	readonly text: string;
}

/** Looks, and changes nothing. @throws SealError ERR_LB_DENIED, ERR_NETLINK */
export async function inspectNode(
	spec: Pick<BalancerSpec, 'address' | 'port'>,
	{root = '/', form, signal}: SurroundingsOptions = {},
): Promise<readonly Finding[]> {
	signal?.throwIfAborted();
	const isIpvs = form !== 'nftables' && (await runsIpvs(root));
	return [
		...(form === 'nftables' ? [] : [moduleFinding(isIpvs)]),
		...(isIpvs ? await sysctlFindings(root) : []),
		await routeFinding(spec.address),
		await allowed('look at the masquerade for pods', () => masqueradeFinding(spec, signal)),
		await forwardingFinding(root, spec.address),
	];
}

function moduleFinding(ok: boolean): Finding {
	return {
		part: 'module',
		ok,
		text: ok ? 'the kernel has IPVS' : 'the kernel has no IPVS: the module ip_vs is not loaded',
	};
}

async function sysctlFindings(root: string): Promise<readonly Finding[]> {
	const wanted = wantedSysctls(await kernelRelease(root));
	const differing = await differingSysctls(root, wanted);
	if (differing.length === 0) return [{part: 'sysctl', ok: true, text: 'the settings of IPVS are as they should be'}];
	return differing.map(({name, wanted: value, found}) => ({
		part: 'sysctl',
		ok: false,
		text: found === undefined ? `this kernel has no ${name}` : `${name} is ${found}, not ${value}`,
	}));
}

async function routeFinding(address: string): Promise<Finding> {
	const routes = await openRoutes();
	try {
		const source = routes.localSource(address);
		if (source === undefined) return {part: 'route', ok: false, text: `${address} is not local to this host`};
		const ok = routes.addresses(address).includes(source) && source !== address;
		const text = ok
			? `${address} is local, with the source ${source}`
			: `connections to ${address} come from ${source}`;
		return {part: 'route', ok, text};
	} finally {
		routes.close();
	}
}

async function masqueradeFinding(
	spec: Pick<BalancerSpec, 'address' | 'port'>,
	signal: AbortSignal | undefined,
): Promise<Finding> {
	const ok = await podsAreMasqueraded(spec, signal);
	return {part: 'masquerade', ok, text: `pods that reach for ${endpointText(spec)} are ${ok ? '' : 'not '}masqueraded`};
}

/** Kubernetes wants it anyway, so it is looked at and not set. */
async function forwardingFinding(root: string, address: string): Promise<Finding> {
	const name = address.includes(':') ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward';
	const found = await readSysctl(root, name);
	const ok = found === '1';
	return {
		part: 'forwarding',
		ok,
		text: ok ? 'the host forwards for pods' : `${name} is ${found ?? 'not there'}: pods reach no other host`,
	};
}
