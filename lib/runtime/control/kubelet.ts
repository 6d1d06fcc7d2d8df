import type {Abortable} from '../../core/events.js';
import type {RunHost} from '../lifecycle/run.js';
import type {ClusterSetting} from '../lifecycle/setting.js';
import {endpointUrl} from '../pki/cluster/items.js';
import {execOk} from '../transport/exec.js';
import {askedAt, pkiClusterOf} from './describe.js';

/**
 * Points the kubelet of a master to its own API server, and not to the balancer: a kubelet must not be newer than the server that it
 * speaks to, and a master that is cut off from the others is still one. kubeadm does that by itself since 1.33, but not with a kubelet.conf that is there
 * already, as ours is.
 */
export async function useLocalApi(setting: ClusterSetting, master: RunHost, options: Abortable = {}): Promise<void> {
	const {apiUrl} = askedAt(setting, master);
	await pointKubelet(master, apiUrl, 'restart', options);
}

/** The way to the cluster while a master has no API server yet: kubeadm finds the cluster by the same file. */
export async function useEndpoint(setting: ClusterSetting, master: RunHost, options: Abortable = {}): Promise<void> {
	await pointKubelet(master, endpointUrl(pkiClusterOf(setting)), 'leave', options);
}

async function pointKubelet(
	{transport}: RunHost,
	url: string,
	then: 'restart' | 'leave',
	{signal}: Abortable,
): Promise<void> {
	await execOk(transport, ['sh', '-c', script, 'sealimage-kubelet', url, then], {signal, timeoutMs: 120_000});
}

/** POSIX sh. Quoted: brackets of IPv6 begin a list in YAML. The file is replaced in one step; a kubelet that reads it meets no half of it. */
const script = `
LC_ALL=C; export LC_ALL
conf=/etc/kubernetes/kubelet.conf
umask 077
sed "s|^\\\\( *server: \\\\).*|\\\\1\\"$1\\"|" "$conf" >"$conf.sealimage-new" || exit
if cmp -s "$conf" "$conf.sealimage-new"; then rm -f "$conf.sealimage-new"; exit 0; fi
mv -f "$conf.sealimage-new" "$conf" && sync || exit
[ "$2" = leave ] || systemctl restart kubelet
`;
