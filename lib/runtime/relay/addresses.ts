import {isIP, isIPv6} from 'node:net';
import {type NetworkInterfaceInfo, networkInterfaces} from 'node:os';

/** A place where a relay listens. */
export interface RelayAddress {
	readonly address: string;
	readonly port: number;
}

/** More than this no host needs: each one is tried with a time-out of its own. */
const maxAddresses = 4;

/** Interfaces of containers, clusters and virtual machines: other hosts do not reach what is behind them. */
const inner =
	/^(?:docker|br-|cni|flannel|cali|cilium|lxc|veth|vxlan|tunl|kube-|nodelocaldns|virbr|vnet|podman|dummy|ifb|wg-)/;

/** The addresses of this machine that others may reach it at: first those that `preferred` names, never loopback or link-local ones. */
export function ownAddresses(
	preferred: readonly string[],
	interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces(),
): readonly string[] {
	const all = Object.entries(interfaces).flatMap(([name, infos = []]) =>
		infos.filter(info => !info.internal && isRoutable(info.address)).map(info => ({name, address: info.address})),
	);
	const wanted = all.filter(({address}) => preferred.includes(address));
	const others = all.filter(entry => !wanted.includes(entry) && !inner.test(entry.name));
	return [...wanted, ...others].map(({address}) => address).slice(0, maxAddresses);
}

/**
 * What a host says of its relay is handed to other hosts, which connect there: nothing but plain addresses of other machines
 * and ports that ordinary processes get are passed on.
 */
export function acceptableAddresses(value: unknown): readonly RelayAddress[] {
	if (!Array.isArray(value)) return [];
	return value.slice(0, maxAddresses).filter(isAcceptable);
}

function isAcceptable(value: unknown): value is RelayAddress {
	const {address, port} = (value ?? {}) as Partial<RelayAddress>;
	if (typeof address !== 'string' || isIP(address) === 0 || !isRoutable(address)) return false;
	return typeof port === 'number' && Number.isInteger(port) && port > 1023 && port < 65_536;
}

function isRoutable(address: string): boolean {
	if (isIPv6(address)) return !/^(?:::1?$|::ffff:|fe[89ab]|ff)/i.test(address) && !address.includes('%');
	return !/^(?:0|127|169\.254|22[4-9]|23\d|24\d|25\d)\./.test(address);
}
