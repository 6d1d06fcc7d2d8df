import type {OperationOptions} from '../../core/events.js';
import {printYaml} from '../../core/yaml.js';
import type {Digest} from '../../oci/digest.js';
import {HostError} from '../host/error.js';
import type {KubeadmDocument} from '../kubeadm/document.js';
import type {ClusterRun, RunHost} from '../lifecycle/run.js';
import {etcdPatch, usePatch} from './etcd/patch.js';
import {type Followed, follow} from './follow.js';
import {workOf} from './host.js';
import {lastWords, loudest} from './last-words.js';
import type {IgnoredChecks} from './preflights.js';
import {forgetUnflushed} from './unflushed.js';

/** One call of kubeadm on a host. */
export interface KubeadmCall {
	readonly verb: 'init' | 'join';
	/** Of the action, for events. */
	readonly id: string;
	readonly documents: readonly KubeadmDocument[];
	/** Kept on the host: who has begun with it goes on with it, and who has done it does it no more. */
	readonly digest: Digest;
	readonly ignored: IgnoredChecks;
	readonly skipPhases?: readonly string[] | undefined;
}

/** Pulling images takes as long as the slowest disk; kubeadm itself bounds the rest. */
const timeoutMs = 1_800_000;

/**
 * Runs `kubeadm init` or `kubeadm join` on a host, or sees that it has come to its end before. What it wrote is in the error when it fails,
 * with the host's own last words.
 * @throws HostError ERR_KUBEADM, ERR_COMMAND_TIMEOUT, and those of the transport
 */
export async function runKubeadm(
	run: ClusterRun,
	host: RunHost,
	call: KubeadmCall,
	{signal, onEvent}: OperationOptions,
): Promise<void> {
	const {verb, id, digest, ignored, skipPhases = []} = call;
	const input = printYaml(call.documents);
	const argv = [
		...['sh', '-c', script, 'sealimage-kubeadm', workOf(run), digest, String(Buffer.byteLength(input))],
		...[ignored.always.join(','), ignored.again.join(','), host.isMaster ? etcdPatch(run.setting.version) : '', verb],
		...(verb === 'init' ? ['--skip-token-print', '--skip-certificate-key-print'] : []),
		...(skipPhases.length === 0 ? [] : [`--skip-phases=${skipPhases.join(',')}`]),
	];
	const ended = await follow(host.transport, argv, {id, input, timeoutMs, signal, onEvent});
	if (ended.status.code === 0) return;
	if (ended.status.code === otherCode) throw joinedOtherwise(host);
	const words = await lastWords(host.transport, {signal});
	throw new HostError(host.name, 'ERR_KUBEADM', messageOf(verb, ended, loudest(words)), {
		hint: hintOf(ended),
		details: {...ended.status, kubeadm: ended.lines.slice(-20), ...words},
	});
}

/** Of the script: kubeadm has come to its end on this host before, and with something else. */
const otherCode = 76;

/**
 * POSIX sh. A kubeadm whose operator went away may still run: the next waits for it. Its document comes whole or not at all. What tells that
 * kubeadm has ended counts only as long as what it leaves is there: resetting a host takes that away. An attempt has got past the checks when something
 * is newer than its beginning: until then what is in the way is not ours, and is refused again.
 */
export const script = `
LC_ALL=C; export LC_ALL
work=$1 digest=$2 size=$3 always=$4 again=$5 patch=$6 verb=$7; shift 7
umask 077
mkdir -p "$work" || exit
exec 8>"$work/kubeadm.lock"
if command -v flock >/dev/null 2>&1; then
	flock -w 900 8 || { echo "another kubeadm runs on this host, and does not end" >&2; exit 75; }
fi
file=$work/kubeadm.yaml
cat >"$file.new"
[ "$(wc -c <"$file.new")" -eq "$size" ] || { rm -f "$file.new"; echo "the document broke off" >&2; exit 74; }
mv -f "$file.new" "$file"
if [ -f /etc/kubernetes/kubelet.conf ] && [ -f /var/lib/kubelet/config.yaml ] && [ -f "$work/kubeadm.done" ]; then
	[ "$(cat "$work/kubeadm.done")" = "$digest" ] && { echo "kubeadm $verb has ended before"; exit 0; }
	exit ${otherCode}
fi
${forgetUnflushed}
begun=$work/kubeadm.begun
if [ "$(cat "$begun" 2>/dev/null)" = "$digest" ]; then
	left=$(find /etc/kubernetes/manifests /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env -newer "$begun" 2>/dev/null)
	[ -n "$left" ] && always=$always,$again
else
	rm -f "$work/kubeadm.done"
	printf %s "$digest" >"$begun.new" && sync && mv -f "$begun.new" "$begun" && sync || exit
fi
${usePatch}
umask 022
kubeadm "$verb" --config "$file" "--ignore-preflight-errors=$always" "$@" </dev/null || exit
(umask 077; printf %s "$digest" >"$work/kubeadm.done.new" && sync && mv -f "$work/kubeadm.done.new" "$work/kubeadm.done" && sync && rm -f "$work/kubeadm.boot")
`;

function messageOf(verb: string, {status, lines}: Followed, kubelet: string | undefined): string {
	const refused = lines.flatMap(line => /^\s*\[ERROR ([\w.-]+)\]: (.*)$/.exec(line)?.slice(1, 3).join(': ') ?? []);
	if (refused.length > 0) return `kubeadm ${verb} refuses the host: ${[...new Set(refused)].join('; ').slice(0, 1000)}`;
	const failed = lines.findLast(line =>
		/^error execution phase|^error:|^\[.*[Ee]rror|^couldn't|broke off$|not end$/.test(line),
	);
	const said = failed ?? lines.findLast(line => line.trim() !== '') ?? 'it says nothing';
	const own = kubelet === undefined ? '' : `; the kubelet says: ${kubelet}`;
	const how = status.signal === undefined ? `with code ${status.code}` : `by the signal ${status.signal}`;
	return `kubeadm ${verb} ended ${how}: ${said.slice(0, 500)}${own}`;
}

function hintOf({lines}: Followed): string {
	if (lines.some(line => line.includes('[ERROR ImagePull]')))
		return 'Look at "journalctl -u sealimage-registry" and "journalctl -u containerd" on the host, and run the same command again.';
	if (lines.some(line => line.includes('[ERROR ')))
		return 'Mend what is said, and run the same command again; "sealimage reset" frees a host of an older cluster.';
	return 'Look at "journalctl -u kubelet" and /var/log/pods on the host, mend what they say, and run the same command again.';
}

function joinedOtherwise({name}: RunHost): HostError {
	return new HostError(
		name,
		'ERR_KUBEADM',
		'The host is a node already, with another version, network, address or role than it is to have now',
		{hint: `Take it out with "sealimage delete", and add it again.`},
	);
}
