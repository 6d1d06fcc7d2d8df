/**
 * What one host is and has, as read in one round trip. JSON-safe; no text in it holds a control character, whatever the host
 * sent. A field that is absent could not be learnt (a tool or a file is missing, or only root may read it); lists are sorted as
 * the host gave them, and end where a limit guards against a host that never stops.
 */
export interface HostFacts {
	/** Raised when a field changes its meaning. */
	readonly schema: 1;
	/** The host's name in reports. */
	readonly host: string;
	/** The user that the facts were read as; what only root may read is absent when this is not 0. */
	readonly uid?: number;
	readonly identity: IdentityFacts;
	readonly system: SystemFacts;
	readonly kernel: KernelFacts;
	readonly hardware: HardwareFacts;
	readonly clock: ClockFacts;
	readonly paths: readonly PathFacts[];
	readonly network: NetworkFacts;
	readonly security: SecurityFacts;
	readonly software: SoftwareFacts;
	readonly ports: readonly PortFacts[];
	/** `net.ipv4.ip_forward` to `1`, as written by the kernel, spaces for tabs. */
	readonly sysctls: Readonly<Record<string, string>>;
}

export interface IdentityFacts {
	readonly hostname: string;
	/** What /etc/hosts says about the host's own name. */
	readonly hostsEntries: readonly string[];
	readonly machineId?: string;
	/** Of the firmware, lower case. Only root may read it; machines without DMI have none. */
	readonly productUuid?: string;
	/** Another one means that the host was started anew. */
	readonly bootId?: string;
	/** Vendor and model as the firmware or the device tree names them. */
	readonly product?: string;
	/** `docker`, `lxc`, `podman`, ...: the host is a container itself. */
	readonly container?: string;
}

export interface SystemFacts {
	/** As OCI platforms have it: `amd64`, `arm64`, `arm`, ...; `unknown` when sealimage knows no such machine. */
	readonly architecture: string;
	/** `v7`, of 32-bit ARM. */
	readonly variant?: string;
	/** What `uname -m` says. */
	readonly machine: string;
	/** The programs of the host are 32 bit under a 64-bit kernel; `architecture` is that of the programs. */
	readonly narrowUserland?: true;
	readonly distribution: DistributionFacts;
	/** `systemd`, `openrc`, or the name of process 1. */
	readonly init: string;
	readonly systemdVersion?: number;
	readonly libc: LibcFacts;
	/** `6.0.30`: the version of libstdc++.so.6. Absent: there is none. */
	readonly libstdcxx?: string;
}

export interface LibcFacts {
	readonly kind: 'glibc' | 'musl' | 'unknown';
	readonly version?: string;
	/** Where programs from elsewhere look for the loader of glibc. Absent: it is not there, and they cannot start (NixOS). */
	readonly loader?: string;
}

export interface DistributionFacts {
	/** `ubuntu`, `debian`, `rocky`, `openEuler`; `unknown` without os-release. */
	readonly id: string;
	/** `rhel centos fedora`, split. */
	readonly like: readonly string[];
	readonly version?: string;
	/** For people: `Rocky Linux 8.9 (Green Obsidian)`. */
	readonly name: string;
}

export interface KernelFacts {
	/** `5.15.0-91-generic`. */
	readonly release: string;
	readonly cgroup: CgroupFacts;
	/** For each module that was asked about. */
	readonly modules: Readonly<Record<string, ModuleState>>;
	/** The folder of the running kernel's modules is there; it is gone after an upgrade of the kernel without a restart. */
	readonly modulesFolder: boolean;
}

/**
 * `loaded`: loaded or built in, and in use. `loadable`: its file is there. `blocked`: its file is there, but modprobe's configuration
 * or the kernel forbids to load it. `absent`: there is no such module. `unknown`: the host does not say.
 */
export type ModuleState = 'loaded' | 'loadable' | 'blocked' | 'absent' | 'unknown';

export interface CgroupFacts {
	/** `hybrid`: version 1 with the version 2 tree beside it, without controllers. */
	readonly version: 'v1' | 'v2' | 'hybrid' | 'none';
	readonly controllers: readonly string[];
}

export interface HardwareFacts {
	readonly cpus: number;
	readonly cpuModel?: string;
	readonly memoryBytes: number;
	readonly availableBytes?: number;
	readonly swaps: readonly {readonly path: string; readonly sizeBytes: number}[];
}

export interface ClockFacts {
	/** The host's clock less the operator's: positive when the host is ahead. */
	readonly offsetMs?: number;
	/** How far the true offset may be from that: half of the time that the answer took. */
	readonly uncertaintyMs?: number;
	/** The service that keeps the clock, when one runs: `chronyd`, `systemd-timesyncd`, ... */
	readonly service?: string;
}

/** A folder that was asked about, and the file system that it is on, or would be on once made. */
export interface PathFacts {
	readonly path: string;
	/** The nearest folder above it that is there, links resolved; `path` itself when it is there. */
	readonly existing: string;
	readonly mountPoint?: string;
	/** `ext4`, `xfs`, `overlay`, `nfs4`. */
	readonly fileSystem?: string;
	readonly device?: string;
	/** `ro`, `noexec`, ... of the mount. */
	readonly mountOptions: readonly string[];
	readonly writable: boolean;
	readonly totalBytes?: number;
	/** For programs that are not root. */
	readonly freeBytes?: number;
	/** Absent where the file system makes inodes as it needs them. */
	readonly totalInodes?: number;
	readonly freeInodes?: number;
}

export interface NetworkFacts {
	/** Interfaces with addresses or hardware, without those of containers. */
	readonly interfaces: readonly InterfaceFacts[];
	readonly routes: readonly RouteFacts[];
	/** Name servers that answer in the end: those behind systemd-resolved's stub when that is in use. */
	readonly nameServers: readonly string[];
	readonly searchDomains: readonly string[];
	/** Proxies of /etc/environment, without what is secret in them, and the addresses that go round them. */
	readonly proxies: Readonly<Record<string, string>>;
}

export interface InterfaceFacts {
	readonly name: string;
	/** In CIDR form, with the prefix of the network: `10.0.0.5/24`. Without loopback and link-local ones. */
	readonly addresses: readonly string[];
	readonly mac?: string;
	readonly mtu?: number;
	/** `up`, `down`, `unknown`, ... */
	readonly state?: string;
	/** There is a device behind it: no bridge, tunnel or the like. */
	readonly hardware: boolean;
}

export interface RouteFacts {
	/** `default`, or a network in CIDR form. */
	readonly to: string;
	readonly family: 4 | 6;
	readonly interface: string;
	readonly via?: string;
	readonly metric: number;
}

export interface SecurityFacts {
	readonly selinux: 'enforcing' | 'permissive' | 'disabled' | 'absent';
	/** What /etc/selinux/config wants after the next start. */
	readonly selinuxConfigured?: string;
	readonly apparmor: boolean;
	/** `firewalld`, `ufw`, `nftables`, `iptables`: what of these is active and refuses what is not allowed. */
	readonly firewalls: readonly string[];
}

export interface SoftwareFacts {
	/** Programs that were asked about, and where they are; the bare name for one that is part of the shell. */
	readonly commands: Readonly<Record<string, string>>;
	/** What a few of them say about their version. */
	readonly versions: Readonly<Record<string, string>>;
	/** Services that were asked about and run now. */
	readonly services: readonly string[];
	/** Sockets that were asked about and are there. */
	readonly sockets: readonly string[];
	/** Files, and folders that are not empty, that were asked about and are there. */
	readonly present: readonly string[];
}

export interface PortFacts {
	readonly protocol: 'tcp' | 'udp';
	/** `0.0.0.0` and `::` are all addresses. */
	readonly address: string;
	readonly port: number;
	/** Who has it, where that can be learnt. */
	readonly uid?: number;
	readonly pid?: number;
	readonly process?: string;
	/** `sshd.service`. */
	readonly unit?: string;
}
