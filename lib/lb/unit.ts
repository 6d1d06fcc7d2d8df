import {configFile} from './config.js';

const agent = '/opt/sealimage/bin/sealimage-agent';
export const unitFile = '/etc/systemd/system/sealimage-lb.service';

/**
 * The systemd unit of a node's balancer. The rules are written before kubelet starts, and stay when the service stops. Modules are loaded and settings made by
 * the first program, which has all rights; the one that stays may change the network and its own folder, and nothing else. What an older systemd does not know
 * it passes over with a warning.
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
ExecStartPre=+${agent} lb prepare --config ${configFile}
ExecStart=${agent} lb run --config ${configFile}
Restart=always
RestartSec=1
RestartSteps=5
RestartMaxDelaySec=15
TimeoutStartSec=60
TimeoutStopSec=10
TimeoutAbortSec=5
WatchdogSec=20
MemoryHigh=96M
MemoryMax=160M
TasksMax=64
LimitNOFILE=8192
LimitCORE=0
OOMScoreAdjust=-900
UMask=0077
StateDirectory=sealimage/lb
StateDirectoryMode=0700
CapabilityBoundingSet=CAP_NET_ADMIN
NoNewPrivileges=yes
KeyringMode=private
LockPersonality=yes
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
ReadWritePaths=-/proc/sys/net/ipv4/vs -/var/lib/sealimage/lb
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;

export interface StaticPodOptions {
	/** Any image with glibc and libstdc++: the agent is that of the host. */
	readonly image: string;
}

/** The same as a static pod, for those who want everything in pods: it needs a container runtime and the image before there is a balancer. */
export function staticPod({image}: StaticPodOptions): string {
	const volumes = [
		['agent', '/opt/sealimage', 'Directory', true],
		['config', '/etc/sealimage', 'Directory', true],
		['kubernetes', '/etc/kubernetes', 'DirectoryOrCreate', true],
		['kubelet', '/var/lib/kubelet/pki', 'DirectoryOrCreate', true],
		['state', '/var/lib/sealimage/lb', 'DirectoryOrCreate', false],
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
      command: [/opt/sealimage/current/node, /opt/sealimage/current/agent.js, lb, run, --config, ${configFile}]
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
