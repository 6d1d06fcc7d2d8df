import {compareVersions} from '../../core/version-order.js';
import {formatPlatform, parsePlatform, selectPlatform} from '../../oci/platform.js';
import type {HostFacts} from '../facts/facts.js';
import {type HostCheck, listing, seen} from './check.js';

/** What Node 22, which the agent brings along, was built for. */
const oldestGlibc = '2.28';
/** GLIBCXX_3.4.21, GCC 5. */
const oldestLibstdcxx = '6.0.21';

const narrow = new Set(['386', 'arm', 'mips', 'mipsle']);
const withAgent = new Set(['amd64', 'arm64']);

/** Can sealimage's agent run here at all? */
export const systemChecks: readonly HostCheck[] = [
	{
		id: 'not-root',
		severity: 'error',
		why: 'Installing a host takes root, and some facts can only be read as root.',
		mend: 'Log in as root, or as a user who may use sudo.',
		look: ({uid}) => seen(uid !== undefined && uid !== 0, () => `Commands run as user ${uid!}, not as root`),
	},
	{
		id: 'architecture-32-bit',
		severity: 'error',
		why: 'The agent, and Kubernetes itself, are there for 64-bit machines only.',
		mend: 'Use a 64-bit host, or install a 64-bit system on this one if its processor allows it.',
		look: ({system}) =>
			seen(narrow.has(system.architecture), () =>
				system.narrowUserland
					? `The programs of the system are 32 bit (${system.architecture}) although its kernel is 64 bit (${system.machine})`
					: `The machine is 32 bit (${system.machine})`,
			),
	},
	{
		id: 'architecture-unsupported',
		severity: 'error',
		why: 'The agent is built for amd64 and arm64.',
		mend: 'Use a host with one of these architectures.',
		look: ({system}) =>
			seen(!narrow.has(system.architecture) && !withAgent.has(system.architecture), () =>
				system.machine === ''
					? 'The host does not say what machine it is'
					: `The machine is ${system.machine}, for which there is no agent`,
			),
	},
	{
		id: 'architecture-without-image',
		severity: 'error',
		why: 'A host can only run programs for its own architecture.',
		mend: 'Build or pull the image for this platform too, or leave the host out.',
		look: ({system}, _needs, {platforms}) => {
			if (platforms === undefined) return [];
			const items = platforms.map(text => ({platform: parsePlatform(text)}));
			const own = platformOf(system);
			return seen(
				selectPlatform(items, own) === undefined,
				() => `The host is ${formatPlatform(own)}, and the images are for ${listing(platforms)}`,
			);
		},
	},
	{
		id: 'no-systemd',
		severity: 'error',
		why: 'What runs on hosts is started, watched and ordered by systemd.',
		mend: 'Use a distribution that runs systemd.',
		look: ({system}) =>
			seen(system.init !== 'systemd', () => `The host is run by ${system.init || 'nothing known'}, not by systemd`),
	},
	{
		id: 'glibc-missing',
		severity: 'error',
		why: 'The agent is linked against the C library of GNU.',
		mend: 'Use a distribution with glibc, such as Debian, Ubuntu, Rocky Linux or openEuler.',
		look: ({system: {libc}}) =>
			libc.kind === 'musl'
				? ['The C library is musl, not glibc']
				: seen(libc.kind !== 'glibc', () => 'No C library of GNU was found'),
	},
	{
		id: 'glibc-loader-missing',
		severity: 'error',
		why: 'Programs that were not built for this very distribution do not start without the loader at its usual place.',
		mend: 'Provide the loader (on NixOS: programs.nix-ld.enable), or use another distribution.',
		look: ({system: {libc, architecture}}) =>
			seen(
				libc.kind === 'glibc' && libc.loader === undefined && withAgent.has(architecture),
				() => 'The loader of glibc is not where programs look for it',
			),
	},
	{
		id: 'glibc-too-old',
		severity: 'error',
		why: `The agent needs glibc ${oldestGlibc} or newer.`,
		mend: 'Use a newer release of the distribution: Debian 10, Ubuntu 20.04, RHEL 8 and openEuler 20.03 are new enough.',
		look: ({system: {libc}}) =>
			seen(
				libc.kind === 'glibc' && libc.version !== undefined && compareVersions(libc.version, oldestGlibc) < 0,
				() => `The C library is glibc ${libc.version ?? ''}`,
			),
	},
	{
		id: 'libstdcxx-missing',
		severity: 'error',
		why: 'The agent is linked against the C++ library of GNU.',
		mend: 'Install libstdc++ (package libstdc++6 or libstdc++) from the distribution.',
		look: ({system}) =>
			seen(system.libstdcxx === undefined && system.libc.kind === 'glibc', () => 'libstdc++.so.6 is not installed'),
	},
	{
		id: 'libstdcxx-too-old',
		severity: 'error',
		why: 'The agent needs GLIBCXX_3.4.21, which came with GCC 5.',
		mend: 'Install a newer libstdc++, or use a newer release of the distribution.',
		look: ({system: {libstdcxx}}) =>
			seen(
				// A bare 6 is a file that does not tell which one it is.
				libstdcxx?.includes('.') === true && compareVersions(libstdcxx, oldestLibstdcxx) < 0,
				() => `The C++ library is libstdc++ ${libstdcxx!}`,
			),
	},
	{
		id: 'host-is-container',
		severity: 'warning',
		why: 'Kernel modules, mounts and settings of the kernel cannot be changed from inside a container.',
		mend: 'Use a machine of its own, virtual or real.',
		look: ({identity: {container}}) =>
			seen(container !== undefined, () => `The host is itself a container (${container!})`),
	},
];

function platformOf({architecture, variant}: HostFacts['system']): ReturnType<typeof parsePlatform> {
	return {os: 'linux', architecture, ...(variant === undefined ? {} : {variant})};
}
