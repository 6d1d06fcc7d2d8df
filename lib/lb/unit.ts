import {configFile} from './config.js';

const agent = '/opt/sealimage/bin/sealimage-agent';
export const unitFile = '/etc/systemd/system/sealimage-lb.service';

/**
 * The systemd unit of a node's balancer. The rules are written before kubelet starts, and stay when the service stops. What systemd
 * 219 (CentOS 7) does not know it passes over with a warning.
 */
export const balancerUnit = `# Written by sealimage.
[Unit]
Description=Load balancer of sealimage: this node's way to the API servers
Wants=network-online.target
After=network-online.target
Before=kubelet.service
ConditionPathExists=${configFile}
StartLimitInterval=0

[Service]
Type=notify
NotifyAccess=main
ExecStart=${agent} lb run --config ${configFile}
Restart=always
RestartSec=1
TimeoutStartSec=60
WatchdogSec=60
MemoryHigh=96M
MemoryMax=160M
TasksMax=64
LimitNOFILE=8192
OOMScoreAdjust=-900
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_NET_ADMIN CAP_SYS_MODULE
PrivateTmp=yes
ProtectHome=yes
ProtectSystem=full
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictRealtime=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
`;

export interface StaticPodOptions {
	/** An image with the agent in it, such as a rootfs image. */
	readonly image: string;
}

/** The same as a static pod, for those who want everything in pods: it needs a container runtime and the image before there is a balancer. */
export function staticPod({image}: StaticPodOptions): string {
	const volumes = [
		['config', '/etc/sealimage', 'Directory', true],
		['pki', '/etc/kubernetes/pki', 'DirectoryOrCreate', true],
		['state', '/var/lib/sealimage/lb', 'DirectoryOrCreate', false],
		['modules', '/lib/modules', 'Directory', true],
	] as const;
	return `apiVersion: v1
kind: Pod
metadata:
  name: sealimage-lb
  namespace: kube-system
  labels:
    app.kubernetes.io/name: sealimage-lb
spec:
  hostNetwork: true
  priorityClassName: system-node-critical
  containers:
    - name: lb
      image: ${JSON.stringify(image)}
      imagePullPolicy: IfNotPresent
      command: [/opt/sealimage/node, /opt/sealimage/agent.js, lb, run, --config, ${configFile}]
      resources:
        requests: {cpu: 10m, memory: 64Mi}
        limits: {memory: 160Mi}
      securityContext:
        readOnlyRootFilesystem: true
        # /proc/sys is read-only in a container that is not privileged.
        privileged: true
      volumeMounts:
${volumes.map(([name, path, , readOnly]) => `        - {name: ${name}, mountPath: ${path}, readOnly: ${readOnly}}`).join('\n')}
  volumes:
${volumes.map(([name, path, type]) => `    - {name: ${name}, hostPath: {path: ${path}, type: ${type}}}`).join('\n')}
`;
}
