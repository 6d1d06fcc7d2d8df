#!/usr/bin/env bash
# Takes away what init.sh installed.
set -euo pipefail
systemctl disable --now kubelet || true
rm -f /etc/systemd/system/kubelet.service /etc/crictl.yaml
rm -f /usr/bin/kubeadm /usr/bin/kubelet /usr/bin/kubectl /usr/bin/crictl
