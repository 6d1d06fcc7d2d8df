#!/usr/bin/env bash
# by-hand.sh FILES IDENTITY MASTERS [NODES]: a cluster on bare hosts as a skilled operator makes it with kubeadm, ssh, scp and ctr, offline.
# MASTERS and NODES are addresses separated by commas; hosts are reached as root with the key IDENTITY. FILES holds bin/, cri/, cni/, etc/,
# manifests/ and images/{all,masters}/*.tar. Prints after how many seconds each step was done. Works for Kubernetes 1.20 with containerd 1.7.
# Everything that can be done on several hosts at once is; masters join one after the other, workers beside them. With IN_TURN=yes one thing is done after
# the other, as in the plain script that most people write.
set -euo pipefail
files=$1 identity=$2
IFS=, read -ra masters <<<"$3"
IFS=, read -ra nodes <<<"${4:-}"
first=${masters[0]}
hosts=("${masters[@]}" ${nodes[@]+"${nodes[@]}"})
version=${KUBERNETES_VERSION:-v1.20.2}
# All hosts know the API server by this name; without a balancer it is the first master.
endpoint=apiserver.cluster.local
# One processor is enough for a try, and the kernels of test hosts lack the cgroup controllers of CPU sets.
ignored=NumCPU,SystemVerification

options=(-q -i "$identity" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes -o ConnectTimeout=10)
on() {
	local host=$1
	shift
	ssh "${options[@]}" "root@$host" "$@"
}
mark() { printf '%5d s  %s\n' "$SECONDS" "$*" >&2; }

prepare() {
	local host=$1 sources=("$files"/{bin,cri,cni,etc,images/all}) master
	for master in "${masters[@]}"; do [ "$master" != "$host" ] || sources+=("$files/images/masters"); done
	on "$host" 'rm -rf /root/by-hand && mkdir /root/by-hand'
	scp -r "${options[@]}" "${sources[@]}" "root@$host:/root/by-hand/"
	on "$host" "first=$first endpoint=$endpoint bash -eu" <<'HOST'
cd /root/by-hand
install -m 755 bin/* cri/bin/* /usr/bin/
mkdir -p /opt/cni/bin /etc/cni/net.d /etc/containerd /etc/systemd/system/kubelet.service.d
install -m 755 cni/* /opt/cni/bin/
install -m 644 etc/config.toml /etc/containerd/config.toml
install -m 644 etc/containerd.service etc/kubelet.service /etc/systemd/system/
install -m 644 etc/kubelet.service.d/10-kubeadm.conf /etc/systemd/system/kubelet.service.d/
install -m 644 etc/crictl.yaml /etc/crictl.yaml
install -m 644 etc/modules.conf /etc/modules-load.d/kubernetes.conf
install -m 644 etc/sysctl.conf /etc/sysctl.d/kubernetes.conf
swapoff -a
# A kubelet that has just joined refuses what asks for storage (kubernetes/kubernetes #99305).
mkdir -p patches
cat >patches/etcd.yaml <<'PATCH'
spec: {containers: [{name: etcd, resources: {requests: {ephemeral-storage: null}}}]}
PATCH
# A module that is built in, or that the kernel does without, is none to modprobe.
xargs -n 1 modprobe -q <etc/modules.conf || true
sysctl -q -e --load /etc/sysctl.d/kubernetes.conf
sed -i "/ $endpoint\$/d" /etc/hosts
echo "$first $endpoint" >>/etc/hosts
systemctl daemon-reload
systemctl -q enable --now containerd
systemctl -q enable kubelet
for archive in all/*.tar masters/*.tar; do
	[ ! -e "$archive" ] || ctr -n k8s.io images import --all-platforms "$archive" >/dev/null
done
rm -rf all masters
HOST
}

init() {
	on "$first" "cat >/root/kubeadm.yaml" <<CONFIG
apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: $first}
nodeRegistration:
  criSocket: /run/containerd/containerd.sock
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
kubernetesVersion: $version
controlPlaneEndpoint: $endpoint:6443
networking: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/16}
# Three members share the processors of one machine: a heartbeat of a tenth of a second would be late too often.
etcd: {local: {extraArgs: {heartbeat-interval: '500', election-timeout: '5000'}}}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: systemd
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: ipvs
CONFIG
	on "$first" "kubeadm init --config /root/kubeadm.yaml --upload-certs --experimental-patches=/root/by-hand/patches --ignore-preflight-errors=$ignored" >"$work/init.log" 2>&1 ||
		{ tail -n 40 "$work/init.log" >&2; exit 1; }
}

# The command that joins a worker, as kubeadm prints it; masters want the key of the uploaded certificates, too.
join() {
	local host=$1
	shift
	on "$host" "$(cat "$work/join") --cri-socket /run/containerd/containerd.sock --ignore-preflight-errors=$ignored $*" >"$work/join-$host.log" 2>&1 ||
		{ tail -n 40 "$work/join-$host.log" >&2; return 1; }
}

kubectl() { on "$first" kubectl --kubeconfig /etc/kubernetes/admin.conf "$@"; }

wait_for_all() {
	local process
	for process; do wait "$process"; done
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Does it now, or begins it.
start() {
	if [ "${IN_TURN:-no}" = yes ]; then "$@"; else "$@" & fi
}

start prepare "$first"
prepared_first=${!:-}
others=()
for host in "${hosts[@]:1}"; do
	start prepare "$host"
	others+=(${!:-})
done
[ -z "$prepared_first" ] || wait "$prepared_first"
mark 'the first master is prepared'
init
mark 'kubeadm init is done'
sed "s/{{ .SEALIMAGE_API_HOST }}/$first/; s/{{ .SEALIMAGE_API_PORT }}/6443/" "$files/manifests/cni.yaml.tmpl" | kubectl apply -f - >/dev/null
on "$first" 'kubeadm token create --print-join-command' 2>/dev/null >"$work/join"
certificate_key=$(grep -om1 -- '--certificate-key [0-9a-f]*' "$work/init.log")
wait_for_all ${others[@]+"${others[@]}"}
mark 'all hosts are prepared'

joins=()
for host in ${nodes[@]+"${nodes[@]}"}; do
	start join "$host"
	joins+=(${!:-})
done
for host in "${masters[@]:1}"; do
	join "$host" --control-plane "$certificate_key" "--apiserver-advertise-address=$host" --experimental-patches=/root/by-hand/patches
	mark "$host has joined as a master"
done
wait_for_all ${joins[@]+"${joins[@]}"}
mark 'all have joined'
[ "${#nodes[@]}" -gt 0 ] || kubectl taint nodes --all node-role.kubernetes.io/master- >/dev/null
kubectl wait --for=condition=Ready nodes --all --timeout=600s >/dev/null
mark 'all nodes are Ready'
