import {kubeconfigPlaces, pkiFolder} from '../pki/cluster/places.js';
import {quote, quoteAll} from '../transport/quote.js';
import {maxJournalBytes} from './journal.js';
import {maxStateBytes} from './parse-state.js';
import {clusterPlaces} from './places.js';

/** Units that are asked for; the answer is in this order. */
export const units = [
	'kubelet.service',
	'containerd.service',
	'sealimage-registry.service',
	'sealimage-lb.service',
] as const;

export const kubernetesPlaces = {
	adminConf: kubeconfigPlaces.admin,
	kubeletConf: kubeconfigPlaces.kubelet,
	kubeletConfig: '/var/lib/kubelet/config.yaml',
	/** Unless the manifest of etcd names another folder. */
	etcdData: '/var/lib/etcd/member',
	manifests: '/etc/kubernetes/manifests',
	pki: pkiFolder,
} as const;

/** Of a member.json. */
const maxMemberBytes = 4096;
/** Of what is known of one image on the host, and of all together. */
const maxImageBytes = 256 * 1024;
const maxImagesBytes = 768 * 1024;

/**
 * What is asked of a host beside its facts: the part of the script that facts/script.ts has the words of. Files go over as base64, each line
 * behind its tag, so that they come as they are; long ones are packed first. `-` is a file that is longer than ours are.
 * @param apiTimeoutSeconds whole ones
 */
export function hostScript(root: string, apiTimeoutSeconds = 3): string {
	const places = clusterPlaces(root);
	const {adminConf, kubeletConf, kubeletConfig, etcdData} = kubernetesPlaces;
	return `encoded() {
size=0
[ -f "$2" ] && [ ! -L "$2" ] && [ -r "$2" ] || return 0
size=$(wc -c <"$2") || return 0
[ "$size" -le "$3" ] || { tell "$1" -; return 0; }
if [ $# = 4 ] && has gzip; then gzip -c <"$2"; else cat <"$2"; fi 2>/dev/null | base64 | sed "s/^/$1 /"
}
if [ -d /run/systemd/system ] && has systemctl; then
say unit "$(systemctl is-active ${quoteAll(units)} 2>/dev/null </dev/null)"
fi
for path in ${quoteAll([adminConf, kubeletConf, kubeletConfig])}; do
[ ! -e "$path" ] || tell there "$path"
done
data=$(sed -n 's/^ *- --data-dir=//p' ${kubernetesPlaces.manifests}/etcd.yaml 2>/dev/null)
[ -z "$data" ] || data=$data/member
[ ! -e "\${data:-${etcdData}}" ] || tell there ${etcdData}
set +f
for file in ${kubernetesPlaces.manifests}/*.yaml; do
[ ! -f "$file" ] || { file=\${file##*/}; tell manifest "\${file%.yaml}"; }
done
number=0 left=${maxImagesBytes}
for file in ${quote(root)}/images/*.json; do
number=$((number + 1))
encoded "image-$number" "$file" ${maxImageBytes}
left=$((left - size))
[ $left -gt 0 ] && [ $number -lt 1000 ] || break
done
set -f
encoded member ${quote(places.member)} ${maxMemberBytes}
encoded journal ${quote(places.journal)} ${maxJournalBytes}
encoded state ${quote(places.state)} ${maxStateBytes} packed
${readyScript(apiTimeoutSeconds)}`;
}

/** Asked of the API server of this host alone, as kubeadm's own client; a server that hangs is waited for so long. */
const readyScript = (
	seconds: number,
): string => `pod=${kubernetesPlaces.manifests}/kube-apiserver.yaml pki=${kubernetesPlaces.pki}
if [ -f "$pod" ]; then
address=$(sed -n 's/^ *- --advertise-address=//p' "$pod") port=$(sed -n 's/^ *- --secure-port=//p' "$pod")
case $address in *:*) address="[$address]" ;; esac
url=https://$address:\${port:-6443} ready= code=1
if has curl; then
code=0
ready=$(curl -gsS -m ${seconds} --noproxy '*' --cacert $pki/ca.crt --cert $pki/apiserver-kubelet-client.crt --key $pki/apiserver-kubelet-client.key "$url/readyz" 2>/dev/null </dev/null) || code=$?
fi
case $code in
0 | 7 | 28) ;;
*)
! has kubectl || ready=$(kubectl --kubeconfig ${kubernetesPlaces.adminConf} --server "$url" --request-timeout ${seconds}s get --raw /readyz 2>/dev/null </dev/null)
;;
esac
[ "$ready" = ok ] || ready=no
tell api "$ready $url"
fi`;
