import {allCapabilities, defaultCapabilities} from './capabilities.js';
import type {ImageUser} from './user.js';

/** A range of ids as runtime-spec's config-linux.md has it. */
export interface IdMapping {
	readonly containerID: number;
	readonly hostID: number;
	readonly size: number;
}

/** The ids of a user namespace; undefined when the process is root and needs none. */
export interface IdMappings {
	readonly uids: readonly IdMapping[];
	readonly gids: readonly IdMapping[];
}

export interface BundleMount {
	readonly destination: string;
	readonly type: string;
	readonly source: string;
	readonly options: readonly string[];
}

export interface BundleInput {
	readonly rootDir: string;
	readonly argv: readonly string[];
	readonly env: readonly string[];
	readonly cwd: string;
	readonly user: ImageUser;
	/** Over the basic ones, in this order. */
	readonly mounts: readonly BundleMount[];
	readonly network: 'none' | 'host';
	readonly insecure: boolean;
	/** A user namespace to make; undefined to stay in the one that is. */
	readonly mappings: IdMappings | undefined;
	/** True when the process is root of a user namespace only. */
	readonly inUserNamespace: boolean;
}

export const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The config.json of an OCI runtime bundle (runtime-spec 1.0.2): what docker build gives to a RUN. */
export function bundleConfig(input: BundleInput): object {
	const capabilities = input.insecure ? allCapabilities : defaultCapabilities;
	return {
		ociVersion: '1.0.2',
		root: {path: input.rootDir, readonly: false},
		hostname: 'sealimage',
		process: {
			terminal: false,
			user: {
				uid: input.user.uid,
				gid: input.user.gid,
				umask: 0o022,
				additionalGids: input.user.additionalGids,
			},
			args: input.argv,
			env: environment(input),
			cwd: input.cwd,
			// Ambient and inheritable stay empty: a process that is not root gets none of these (docker's rule).
			capabilities: {bounding: capabilities, effective: capabilities, permitted: capabilities},
			// As in docker build: sudo and other setuid programs have to work.
			noNewPrivileges: false,
		},
		mounts: [...basicMounts(input), ...input.mounts],
		linux: {
			namespaces: [
				...['pid', 'ipc', 'uts', 'mount'],
				...(input.network === 'none' ? ['network'] : []),
				...(input.mappings === undefined ? [] : ['user']),
			].map(type => ({type})),
			...(input.mappings === undefined ? {} : {uidMappings: input.mappings.uids, gidMappings: input.mappings.gids}),
			...(input.insecure ? {} : {maskedPaths, readonlyPaths}),
		},
	};
}

/** Later values win; the first place is kept. PATH and HOME have defaults. */
function environment(input: BundleInput): readonly string[] {
	const values = new Map<string, string>();
	for (const pair of [defaultPath, `HOME=${input.user.home}`, ...input.env]) {
		const at = pair.indexOf('=');
		if (at > 0) values.set(pair.slice(0, at), pair.slice(at + 1));
	}
	return [...values].map(([key, value]) => `${key}=${value}`);
}

function basicMounts(input: BundleInput): readonly BundleMount[] {
	const guarded = ['nosuid', 'noexec', 'nodev'];
	const sys = input.insecure ? guarded : [...guarded, 'ro'];
	// sysfs shows a network namespace, so only the owner of that namespace may mount it.
	const bindSys = (input.mappings !== undefined || input.inUserNamespace) && input.network === 'host';
	return [
		{destination: '/proc', type: 'proc', source: 'proc', options: guarded},
		{
			destination: '/dev',
			type: 'tmpfs',
			source: 'tmpfs',
			options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
		},
		{
			destination: '/dev/pts',
			type: 'devpts',
			source: 'devpts',
			options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...ttyGroup(input.mappings)],
		},
		{destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...guarded, 'mode=1777', 'size=65536k']},
		{destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: guarded},
		bindSys
			? {destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', ...sys]}
			: {destination: '/sys', type: 'sysfs', source: 'sysfs', options: sys},
	];
}

/** gid 5 is "tty" everywhere; a namespace of a single id has no gid 5. */
function ttyGroup(mappings: IdMappings | undefined): readonly string[] {
	const reaches = mappings?.gids.some(({containerID, size}) => containerID <= 5 && containerID + size > 5) ?? true;
	return reaches ? ['gid=5'] : [];
}

/** As docker hides them. */
const maskedPaths: readonly string[] = [
	'/proc/acpi',
	'/proc/asound',
	'/proc/kcore',
	'/proc/keys',
	'/proc/latency_stats',
	'/proc/sched_debug',
	'/proc/scsi',
	'/proc/timer_list',
	'/proc/timer_stats',
	'/sys/devices/virtual/powercap',
	'/sys/firmware',
];
const readonlyPaths: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
