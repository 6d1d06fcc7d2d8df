import type {Abortable} from '../../../core/events.js';
import type {Digest} from '../../../oci/digest.js';
import {execOk} from '../../transport/exec.js';
import type {Transport} from '../../transport/transport.js';
import type {EtcdOnHost} from './next-step.js';
import {usePatch} from './patch.js';

export interface EtcdPlaces {
	readonly dataDir: string;
	/** Where runs keep what they have begun. */
	readonly work: string;
}

/** Looks at what a host has of etcd. @throws HostError ERR_COMMAND_FAILED, and what `exec` throws */
export async function lookAtEtcd(
	transport: Transport,
	{dataDir, work}: EtcdPlaces,
	digest: Digest,
	{signal}: Abortable = {},
): Promise<EtcdOnHost> {
	const argv = ['sh', '-c', lookScript, 'sealimage-etcd-look', dataDir, work, digest];
	const words = (await execOk(transport, argv, {signal, timeoutMs: 60_000, maxOutputBytes: 65_536}))
		.toString()
		.split('\n');
	return {
		hasManifest: words.includes('manifest'),
		hasData: words.includes('data'),
		hasBegun: words.includes('begun'),
	};
}

/** Data that is older than the attempt is not from it. */
const lookScript = `
[ -s /etc/kubernetes/manifests/etcd.yaml ] && echo manifest
[ -d "$1/member" ] && echo data
begun=$2/kubeadm.begun
if [ "$(cat "$begun" 2>/dev/null)" = "$3" ]; then
	[ -d "$1/member" ] && [ -z "$(find "$1/member" -prune -newer "$begun")" ] || echo begun
fi
exit 0
`;

/**
 * Stops the member of a host that is none any more, and puts its data aside: it is a copy of what the others have, and of the one before it nothing
 * is kept. The host has to join again then, whatever it did before.
 * @throws HostError ERR_COMMAND_FAILED when it goes on running, and what `exec` throws
 */
export async function setEtcdAside(
	transport: Transport,
	{dataDir, work}: EtcdPlaces,
	{signal}: Abortable = {},
): Promise<void> {
	const argv = ['sh', '-c', asideScript, 'sealimage-etcd-aside', dataDir, work];
	await execOk(transport, argv, {signal, timeoutMs: 180_000});
}

/** POSIX sh. 094C is the port 2380, 0A a socket that listens. A kubelet that is off stops nothing, and starts nothing. */
const asideScript = `
rm -f /etc/kubernetes/manifests/etcd.yaml "$2/kubeadm.done" || exit
listens() { cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$2 ~ /:094C$/ && $4 == "0A" { found = 1 } END { exit !found }'; }
tries=0
while listens; do
	tries=$((tries + 1))
	[ "$tries" -eq 10 ] && systemctl restart kubelet
	[ "$tries" -lt 120 ] || { echo "etcd does not stop" >&2; exit 1; }
	sleep 1
done
[ -d "$1/member" ] || exit 0
rm -rf "$1/member.left" && mv "$1/member" "$1/member.left" && sync
`;

/**
 * Starts the member of a host by its manifest: a kubelet that is started anew takes the pods that it refused before, too.
 * @throws HostError ERR_COMMAND_FAILED, and what `exec` throws
 */
export async function startEtcd(transport: Transport, {signal}: Abortable = {}): Promise<void> {
	await execOk(transport, ['systemctl', 'restart', 'kubelet'], {signal, timeoutMs: 120_000});
}

/**
 * Writes the configuration of the kubelet and the manifest of the member with kubeadm itself, without asking a cluster that cannot answer,
 * and starts both.
 * @param document of InitConfiguration and ClusterConfiguration, as YAML
 * @param patch what `etcdPatch` says
 * @throws HostError ERR_COMMAND_FAILED, and what `exec` throws
 */
export async function writeEtcd(
	transport: Transport,
	document: string,
	patch: string,
	{work}: EtcdPlaces,
	{signal}: Abortable = {},
): Promise<void> {
	const argv = ['sh', '-c', writeScript, 'sealimage-etcd-write', work, String(Buffer.byteLength(document)), patch];
	await execOk(transport, argv, {input: document, signal, timeoutMs: 180_000});
}

const writeScript = `
work=$1 size=$2 patch=$3
umask 077
file=$work/etcd.yaml
mkdir -p "$work" && cat >"$file" || exit
[ "$(wc -c <"$file")" -eq "$size" ] || { echo "the document broke off" >&2; exit 1; }
set --
${usePatch}
umask 022
kubeadm init phase etcd local --config "$file" "$@" >&2 && kubeadm init phase kubelet-start --config "$file" >&2
`;
