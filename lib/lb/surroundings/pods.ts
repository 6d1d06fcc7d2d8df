import {isSealError, SealError} from '../../core/errors.js';
import {endpointText} from '../../core/ip-address.js';
import {KernelError} from '../netlink/request.js';
import {type Netfilter, netfilterFamily, openNetfilter} from '../nftables/connection.js';
import {ensureMasquerade, hasMasquerade, masqueradeTable, removeTable} from '../nftables/masquerade.js';
import {ensureIptables, hasIptables, removeIptables} from './iptables.js';

type Endpoint = {readonly address: string; readonly port: number};
type Way = 'nftables' | 'iptables';

/**
 * Lets pods reach the virtual address, by nf_tables and without a tool, or by iptables where the kernel has no nf_tables.
 * @throws SealError ERR_NFTABLES neither is possible, KernelError when it is not allowed
 */
export async function ensurePods(
	endpoint: Endpoint,
	signal: AbortSignal | undefined,
): Promise<{readonly way: Way; readonly changed: boolean}> {
	try {
		return {way: 'nftables', changed: await withNftables(endpoint, nft => ensureMasquerade(nft, endpoint))};
	} catch (error) {
		if (!isMissing(error)) throw error;
		try {
			return {way: 'iptables', changed: await ensureIptables(endpoint, signal)};
		} catch (second) {
			signal?.throwIfAborted();
			throw new SealError(
				'ERR_NFTABLES',
				`Pods cannot reach ${endpointText(endpoint)}: the kernel refuses to masquerade them`,
				{
					hint: 'Use a kernel with nf_tables and nft_masq; connections of the host itself work without.',
					details: {
						nftables: (error as Error).message,
						iptables: second instanceof Error ? second.message : String(second),
					},
					cause: error,
				},
			);
		}
	}
}

export async function podsAreMasqueraded(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<boolean> {
	try {
		return await withNftables(endpoint, nft => hasMasquerade(nft, endpoint));
	} catch (error) {
		if (!isMissing(error)) throw error;
		return hasIptables(endpoint, signal);
	}
}

/** @param way the one that was taken; by default both are looked at */
export async function forgetPods(
	endpoint: Endpoint,
	way: Way | undefined,
	signal: AbortSignal | undefined,
): Promise<boolean> {
	if (way === 'iptables') return removeIptables(endpoint, signal);
	try {
		return await withNftables(endpoint, nft => removeTable(nft, masqueradeTable));
	} catch (error) {
		if (!isMissing(error)) throw error;
		return false;
	}
}

async function withNftables<T>(endpoint: Endpoint, use: (nft: Netfilter) => T): Promise<T> {
	const nft = await openNetfilter('nftables', netfilterFamily(endpoint.address));
	try {
		return use(nft);
	} finally {
		nft.close();
	}
}

/** A kernel without nfnetlink has no such socket (EPROTONOSUPPORT); one without nf_tables or nft_masq refuses in one of the other ways. */
export function isMissing(error: unknown): boolean {
	const known = ['EPROTONOSUPPORT', 'EOPNOTSUPP', 'EINVAL', 'ENOENT', 'EAFNOSUPPORT'];
	if (error instanceof KernelError) return known.includes(error.errno);
	return isSealError(error) && error.code === 'ERR_NETLINK' && error.details.errno === 93;
}
