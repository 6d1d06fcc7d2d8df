import {SealError} from '../../core/errors.js';
import type {KernelFacts} from '../facts/facts.js';
import type {KubeadmDocument} from '../kubeadm/document.js';
import type {KubeadmCluster} from '../kubeadm/documents.js';
import {minorFacts} from '../kubeadm/minors.js';
import type {KubernetesVersion} from '../kubeadm/version.js';

/**
 * How kube-proxy sends services to pods: as the user says, else nftables where that is stable and every kernel has it, else
 * iptables. Never IPVS by itself: kube-proxy gives it up, and takes what it does not know out of the kernel's table.
 * @throws SealError ERR_KUBEADM_DOCUMENT for a mode that there is not
 */
export function chooseProxyMode(
	version: KubernetesVersion,
	kernels: readonly Pick<KernelFacts, 'release' | 'modules'>[],
	given: readonly KubeadmDocument[],
): KubeadmCluster['proxyMode'] {
	const wished = given.findLast(({kind, mode}) => kind === 'KubeProxyConfiguration' && hasText(mode))?.mode;
	if (wished !== undefined) return readMode(wished, version);
	const isFit = kernels.every(
		({release, modules: {nf_tables: tables}}) => isSince(release, 5, 13) && tables !== 'absent' && tables !== 'blocked',
	);
	return minorFacts(version).proxyNftables && isFit ? 'nftables' : 'iptables';
}

function hasText(mode: unknown): boolean {
	return mode !== undefined && mode !== null && mode !== '';
}

function readMode(mode: unknown, {minor, text}: KubernetesVersion): KubeadmCluster['proxyMode'] {
	// Older ones end at once when they read it, and again and again. Up to 1.30 a feature gate has to be given, too.
	if (mode === 'nftables' && minor < 29) {
		throw new SealError(
			'ERR_KUBEADM_DOCUMENT',
			`KubeProxyConfiguration.mode is nftables, which Kubernetes ${text} does not have`,
			{
				hint: 'Leave the mode out, or use Kubernetes 1.33 or newer, where it is stable.',
				details: {path: ['KubeProxyConfiguration', 'mode']},
			},
		);
	}
	if (mode === 'iptables' || mode === 'nftables' || mode === 'ipvs') return mode;
	throw new SealError(
		'ERR_KUBEADM_DOCUMENT',
		`KubeProxyConfiguration.mode is ${JSON.stringify(mode)?.slice(0, 60)}, expected iptables, nftables or ipvs`,
		{hint: 'Leave the mode out for the best that the hosts have.', details: {path: ['KubeProxyConfiguration', 'mode']}},
	);
}

/** `5.15.0-91-generic` is since 5.13. */
function isSince(release: string, major: number, minor: number): boolean {
	const [, found = '0', foundMinor = '0'] = /^(\d{1,4})\.(\d{1,4})/.exec(release) ?? [];
	return Number(found) > major || (Number(found) === major && Number(foundMinor) >= minor);
}
