import {isDeepStrictEqual} from 'node:util';
import {SealError} from '../../core/errors.js';
import {defaultStatusPort} from '../../lb/config.js';
import {defaults, readSpec} from '../../lb/spec.js';
import {balancerUnit} from '../../lb/unit.js';
import {HostError} from '../host/error.js';
import type {ServiceStep} from '../service/apply.js';
import type {BalanceState} from './observe.js';
import {clusterAuthority, places} from './places.js';

/** The same for all hosts. */
export interface BalanceWish {
	/** What `/etc/sealimage/lb.json` says, but for the authority. */
	readonly config: Readonly<Record<string, unknown>>;
	/** PEM that members are checked with; `none`: they are not checked. Default: the cluster's own authority, which is on the hosts. */
	readonly authority?: string | undefined;
}

/**
 * Checks a wish before any host is touched.
 * @throws SealError what `readSpec` throws, ERR_LB_CONFIG
 */
export function checkWish({config, authority}: BalanceWish): void {
	const {kubeconfig, statusPort: _port, nodeAddress: _address, ...rest} = config;
	readSpec(rest, 'the load balancer');
	if (kubeconfig !== undefined && !/^\/\S*$/.test(String(kubeconfig))) {
		throw new SealError('ERR_LB_CONFIG', `${JSON.stringify(kubeconfig)} cannot be the kubeconfig on the hosts`, {
			hint: 'Give its whole path there, such as /etc/kubernetes/kubelet.conf.',
		});
	}
	if (authority !== undefined && authority !== 'none' && !authority.includes('-----BEGIN CERTIFICATE-----')) {
		throw new SealError('ERR_LB_CONFIG', 'What is given as the authority of the members holds no certificate', {
			hint: "Name a PEM file, such as the cluster's /etc/kubernetes/pki/ca.crt.",
		});
	}
}

/**
 * What has to change on a host; nothing when it is as it should be. A balancer that runs follows its file by itself, so that members are drained and not
 * cut off; it is started anew only for what it cannot follow, and the kernel goes on with its rules meanwhile.
 * @throws HostError ERR_LB_INSTALL without systemd, ERR_AGENT_MISSING, ERR_LB_CONFIG without an authority
 */
export function planBalancer(
	host: string,
	state: BalanceState,
	wish: BalanceWish,
	{agentComes = false}: {readonly agentComes?: boolean | undefined} = {},
): readonly ServiceStep[] {
	if (!state.hasSystemd) {
		throw new HostError(host, 'ERR_LB_INSTALL', 'The host is not run by systemd', {
			hint: 'Leave this host out, or use "sealimage lb static-pod".',
		});
	}
	if (!state.hasAgent && !agentComes) throw agentMissing(host);
	const config = configFor(host, state, wish);
	const text = `${JSON.stringify(config, null, '\t')}\n`;
	const ownAuthority = wish.authority === 'none' ? undefined : wish.authority;
	const steps: ServiceStep[] = [];
	const write = (path: string, content: string): void => {
		if (state.files.get(path) !== content) steps.push({do: 'write', path, mode: '644', content});
	};
	if (ownAuthority !== undefined) write(places.authority, ownAuthority);
	write(places.config, text);
	if (ownAuthority === undefined && state.files.has(places.authority))
		steps.push({do: 'remove', path: places.authority});
	const isNewUnit = state.files.get(places.unit) !== balancerUnit;
	write(places.unit, balancerUnit);
	if (isNewUnit) steps.push({do: 'systemd', verb: 'daemon-reload'});
	if (state.enabled !== 'enabled') steps.push({do: 'systemd', verb: 'enable'});
	const isRestarted =
		isNewUnit || state.isStale || state.active !== 'active' || !isFollowed(state.files.get(places.config), config);
	if (isRestarted) steps.push({do: 'systemd', verb: 'restart'});
	return steps;
}

/**
 * What takes the balancer off a host and leaves nothing of it, in the kernel neither.
 * @throws HostError ERR_AGENT_MISSING when the kernel has rules and nobody is there to take them out
 */
export function planRemoval(host: string, state: BalanceState): readonly ServiceStep[] {
	const {files, active, enabled, hasSystemd, hasState, hasAgent} = state;
	const steps: ServiceStep[] = [];
	if (hasSystemd && active !== 'inactive' && active !== 'unknown') steps.push({do: 'systemd', verb: 'stop'});
	if (hasSystemd && enabled === 'enabled') steps.push({do: 'systemd', verb: 'disable'});
	if (hasState) {
		if (!hasAgent) throw agentMissing(host);
		const argv = [places.agent, 'lb', 'remove'];
		steps.push({do: 'run', argv, title: "take the load balancer out of the kernel and put the host's settings back"});
	}
	for (const path of [places.unit, places.config, places.authority])
		if (files.has(path)) steps.push({do: 'remove', path});
	if (hasSystemd && files.has(places.unit)) steps.push({do: 'systemd', verb: 'daemon-reload'});
	if (hasState) steps.push({do: 'purge', path: places.state});
	if (steps.length === 0) return steps;
	return [...steps, ...['/etc/sealimage', '/var/lib/sealimage'].map((path): ServiceStep => ({do: 'tidy', path}))];
}

function configFor(
	host: string,
	{hasClusterAuthority}: BalanceState,
	{config, authority}: BalanceWish,
): Readonly<Record<string, unknown>> {
	const probe = (config.probe ?? {}) as Readonly<Record<string, unknown>>;
	if (authority === 'none' || probe.kind === 'tcp' || probe.caFile !== undefined) return config;
	if (authority !== undefined) return {...config, probe: {...probe, caFile: places.authority}};
	if (hasClusterAuthority) return {...config, probe: {...probe, caFile: clusterAuthority}};
	throw new HostError(host, 'ERR_LB_CONFIG', `There is no ${clusterAuthority} on the host to check members with`, {
		hint: 'Bring the authority with --ca FILE, or ask for no check with --ca none.',
	});
}

/** What a running balancer does not take over from its file. */
function isFollowed(before: string | undefined, next: Readonly<Record<string, unknown>>): boolean {
	try {
		return isDeepStrictEqual(fixedPart(JSON.parse(before ?? '') as Record<string, unknown>), fixedPart(next));
	} catch {
		return false;
	}
}

function fixedPart({
	address = defaults.address,
	port = defaults.port,
	statusPort = defaultStatusPort,
}: Readonly<Record<string, unknown>>): readonly unknown[] {
	return [address, port, statusPort];
}

function agentMissing(host: string): HostError {
	return new HostError(host, 'ERR_AGENT_MISSING', `There is no ${places.agent}`, {
		hint: `Install the agent with "sealimage agent install ${host}".`,
	});
}
