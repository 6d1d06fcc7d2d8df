import {allCapabilities, defaultCapabilities} from './capabilities.js';
import {mapsId} from './id-map.js';
import type {ImageUser} from './user.js';

/** The user namespace that a session lives in, when its process is not root of the whole machine. */
export interface UserNamespace {
	/** /proc/self/uid_map and gid_map. */
	readonly uidMap: string;
	readonly gidMap: string;
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
	readonly userNamespace: UserNamespace | undefined;
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
				additionalGids: input.user.additionalGids.filter(gid => mapsId(input.userNamespace?.gidMap, gid)),
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
			namespaces: [...['pid', 'ipc', 'uts', 'mount'], ...(input.network === 'none' ? ['network'] : [])].map(type => ({
				type,
			})),
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
	// The group of terminals, 5 everywhere, does not exist in a namespace of one id.
	const ttyGroup = mapsId(input.userNamespace?.gidMap, 5) ? ['gid=5'] : [];
	// sysfs shows a network namespace, so only the owner of that namespace may mount it.
	const bindSys = input.userNamespace !== undefined && input.network === 'host';
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
			options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...ttyGroup],
		},
		{destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...guarded, 'mode=1777', 'size=65536k']},
		{destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: guarded},
		bindSys
			? {destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', ...sys]}
			: {destination: '/sys', type: 'sysfs', source: 'sysfs', options: sys},
	];
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
