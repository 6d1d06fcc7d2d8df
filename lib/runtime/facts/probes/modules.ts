import {quote, quoteAll} from '../../transport/quote.js';
import type {Answers} from '../answers.js';
import type {ModuleState} from '../facts.js';
import {literal} from '../literal.js';
import type {Probe} from '../probe.js';
import type {Wanted} from '../wanted.js';

/**
 * Which kernel modules can be had, without loading any: what is loaded shows itself below /sys and /proc, what is built in and what
 * has a file is listed by depmod, what must not be loaded is in modprobe's configuration.
 */
export const modulesProbe: Probe<{states: Record<string, ModuleState>; folder: boolean}> = {
	script: wanted => `for module in ${quoteAll(wanted.modules)}; do
[ ! -d "/sys/module/$module" ] || tell loaded "$module"
done
${evidence.map(([module, path]) => `[ ! -e ${path} ] || tell loaded ${module}`).join('\n')}
want /proc/filesystems /proc/sys/kernel/modules_disabled
set +f
folder=/lib/modules/$release
[ -d "$folder" ] || folder=/run/booted-system/kernel-modules$folder
[ ! -e "$folder/modules.dep" ] || tell modules here
pick ${quote(`^[^:]*/(${names(wanted)})[.]ko|^[[:space:]]*install[[:space:]]+(${names(wanted)})[[:space:]]|^CONFIG_(${options(wanted)})=[ym]`)} \\
"$folder/modules.dep" "$folder/modules.builtin" "/boot/config-$release" /etc/modprobe.d/*.conf /run/modprobe.d/*.conf \\
/usr/local/lib/modprobe.d/*.conf /usr/lib/modprobe.d/*.conf /lib/modprobe.d/*.conf
set -f`,
	read: (answers, wanted) => {
		const folder = answers.said('modules').length > 0;
		const sources = readSources(answers);
		return {
			folder,
			states: Object.fromEntries(wanted.modules.map(module => [module, stateOf(module, sources, folder)])),
		};
	},
};

/** Modules that show themselves only by what they bring, when they are built into the kernel. */
const evidence = [
	['br_netfilter', '/proc/sys/net/bridge/bridge-nf-call-iptables'],
	['ip_vs', '/proc/net/ip_vs'],
	['nf_conntrack', '/proc/sys/net/netfilter/nf_conntrack_max'],
] as const;

/** Options of the kernel's configuration that are not called like the module. */
const optionNames: Readonly<Record<string, string>> = {br_netfilter: 'BRIDGE_NETFILTER', overlay: 'OVERLAY_FS'};

const option = (module: string): string => optionNames[module] ?? module.toUpperCase().replaceAll('-', '_');

/** Files of modules may be spelt with either `-` or `_`. */
const names = (wanted: Wanted): string =>
	wanted.modules.map(module => literal(module).replace(/[-_]/g, '[-_]')).join('|');

const options = (wanted: Wanted): string => wanted.modules.map(module => literal(option(module))).join('|');

interface Sources {
	readonly loaded: ReadonlySet<string>;
	readonly builtin: ReadonlySet<string>;
	readonly files: ReadonlySet<string>;
	readonly blocked: ReadonlySet<string>;
	readonly configured: ReadonlySet<string>;
	/** The kernel takes no more modules until it is started again. */
	readonly closed: boolean;
}

function readSources(answers: Answers): Sources {
	const moduleNames = (pattern: RegExp): Set<string> =>
		new Set(answers.files(pattern).flatMap(([, lines]) => lines.map(line => nameOf(line))));
	const overlay = answers.lines('/proc/filesystems').some(line => /\boverlay$/.test(line)) ? ['overlay'] : [];
	return {
		loaded: new Set([...answers.said('loaded'), ...overlay]),
		builtin: moduleNames(/\/modules\.builtin$/),
		files: moduleNames(/\/modules\.dep$/),
		blocked: new Set(
			answers
				.files(/\/modprobe\.d\//)
				.flatMap(([, lines]) => lines)
				.map(
					line =>
						/^\s*install\s+(\S+)\s+(?:\S*\/)?(?:true|false|nologin)\b/.exec(line)?.[1]?.replaceAll('-', '_') ?? '',
				),
		),
		configured: new Set(
			answers
				.files(/^\/boot\/config-/)
				.flatMap(([, lines]) => lines)
				.filter(line => line.endsWith('=y')),
		),
		closed: answers.line('/proc/sys/kernel/modules_disabled') === '1',
	};
}

/** `kernel/fs/overlayfs/overlay.ko.xz: ...` is overlay. */
function nameOf(line: string): string {
	const file = line.split(': ', 1)[0]!.split('/').at(-1)!;
	return file.split('.ko', 1)[0]!.replaceAll('-', '_');
}

function stateOf(module: string, sources: Sources, folder: boolean): ModuleState {
	const name = module.replaceAll('-', '_');
	if (sources.loaded.has(module) || sources.builtin.has(name)) return 'loaded';
	if (sources.configured.has(`CONFIG_${option(module)}=y`)) return 'loaded';
	if (sources.files.has(name)) return sources.closed || sources.blocked.has(name) ? 'blocked' : 'loadable';
	return folder ? 'absent' : 'unknown';
}
