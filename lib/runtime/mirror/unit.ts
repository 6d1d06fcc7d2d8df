import {places} from './places.js';

/**
 * The systemd unit. Everything in it is known to systemd 219 (CentOS 7) or passed over there with a warning. The second
 * program makes the unit active only once the registry answers, so that what is ordered behind it finds it.
 */
export const mirrorUnit = `# Written by sealimage.
[Unit]
Description=Registry of sealimage: images of this host and of the other hosts of its cluster
Documentation=https://github.com/opencontainers/distribution-spec
Wants=network-online.target
After=network-online.target
Before=kubelet.service
ConditionPathExists=${places.config}

[Service]
Type=simple
ExecStart=${places.agent} registry --config ${places.config}
ExecStartPost=${places.agent} registry --config ${places.config} --wait
TimeoutStartSec=120
TimeoutStopSec=30
Restart=always
RestartSec=2
StartLimitInterval=0
LimitNOFILE=65536
TasksMax=512
OOMScoreAdjust=-500
NoNewPrivileges=yes
CapabilityBoundingSet=
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=full
ProtectHome=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictRealtime=yes
LockPersonality=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
`;
