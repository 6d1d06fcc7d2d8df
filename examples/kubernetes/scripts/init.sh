#!/usr/bin/env bash
# Runs on every host after the image was copied to it.
set -euo pipefail
install -m 0755 ../bin/* /usr/bin/
install -m 0644 ../etc/crictl.yaml /etc/crictl.yaml
install -m 0644 ../etc/kubelet.service /etc/systemd/system/kubelet.service
systemctl daemon-reload
systemctl enable kubelet
