import type {Abortable} from '../../core/events.js';
import {HostError} from '../host/error.js';
import {commandFailed, exec} from '../transport/exec.js';
import type {Transport} from '../transport/transport.js';
import {places, unitName} from './places.js';

export interface MirrorOptions extends Abortable {
	/** A folder that stands for `/`: the disk of a machine that does not run yet. */
	readonly root?: string | undefined;
}

/** What a host has of its registry. */
export interface MirrorState {
	readonly hostname: string;
	/** Of its own, without loopback and link-local ones, in the order of its interfaces. */
	readonly addresses: readonly string[];
	readonly hasAgent: boolean;
	readonly hasSystemd: boolean;
	/** As systemctl says: `active`, `failed`, `inactive`, `unknown`. */
	readonly active: string;
	/** The service runs from another version of the agent than the one that counts. */
	readonly isStale: boolean;
	/** `enabled`, `disabled`, `not-found`. */
	readonly enabled: string;
	/** Files that are there, by path. */
	readonly files: ReadonlyMap<string, ObservedFile>;
	/** Whether there is a folder for the content. */
	readonly hasContent: boolean;
	readonly containerd?: ObservedContainerd | undefined;
}

export interface ObservedFile {
	/** Undefined for what is no plain file, or longer than files of ours are. */
	readonly content: string | undefined;
	/** Octal: `600`. */
	readonly mode: string;
}

export interface ObservedContainerd {
	/** What `containerd config dump` writes; undefined when it fails. */
	readonly dump: string | undefined;
	/** Registries with a folder of their own in certs.d: their pulls do not come to us. */
	readonly ownFolders: readonly string[];
}

/**
 * Looks at a host in one round trip.
 * @throws HostError ERR_MIRROR_STATE, ERR_COMMAND_FAILED, and what `exec` throws
 */
export async function observeMirror(transport: Transport, options: MirrorOptions = {}): Promise<MirrorState> {
	const {root = '', ...abortable} = options;
	const argv = ['sh', '-c', script, 'sealimage-registry', unitName, places.agent, root, ...observedFiles];
	const result = await exec(transport, argv, {...abortable, timeoutMs: 60_000, maxOutputBytes: 1024 * 1024});
	if (result.status.code !== 0) throw commandFailed(transport.host, argv, result);
	try {
		return parseState(result.stdout.toString('latin1'));
	} catch (error) {
		throw new HostError(
			transport.host,
			'ERR_MIRROR_STATE',
			'What the host tells of its registry cannot be understood',
			{
				hint: 'Check that its login shell writes nothing of its own.',
				cause: error,
			},
		);
	}
}

/** Everything but the content. */
const observedFiles = [
	places.config,
	places.authority,
	places.authorityKey,
	places.certificate,
	places.key,
	places.htpasswd,
	places.login,
	places.unit,
	places.hostsToml,
];

/** Longer files are none of ours, or too long to be changed by us. */
const maxFileBytes = 65_536;

/** POSIX sh; each line of its output is a word and values without spaces, content in base64. */
const script = `
LC_ALL=C; export LC_ALL
unit=$1 agent=$2 root=$3; shift 3
echo "hostname $(hostname 2>/dev/null || cat /proc/sys/kernel/hostname)"
{ ip -o addr show scope global 2>/dev/null | awk '{print $4}' || :; } | sed 's|/.*||; s|^|address |'
[ -x "$root$agent" ] && echo agent
[ -e "$root${places.content}" ] && echo content
if [ -d "$root/run/systemd/system" ]; then
	echo systemd
	echo "active $(systemctl is-active "$unit" 2>/dev/null)"
	echo "enabled $(systemctl is-enabled "$unit" 2>/dev/null)"
	pid=$(systemctl show -p MainPID "$unit" 2>/dev/null | sed 's/.*=//')
	if [ "\${pid:-0}" -gt 0 ] 2>/dev/null; then
		current=$(readlink -f "$root\${agent%/bin/*}/current" 2>/dev/null)
		case $(readlink "/proc/$pid/exe" 2>/dev/null) in
		"$current"/*) ;;
		*) echo stale ;;
		esac
	fi
fi
for name do
	file=$root$name
	[ -e "$file" ] || [ -L "$file" ] || continue
	mode=$(stat -c %a "$file" 2>/dev/null)
	if [ -f "$file" ] && [ ! -L "$file" ] && [ "$(wc -c <"$file")" -le ${maxFileBytes} ]; then
		echo "file $name \${mode:-0} $(base64 <"$file" | tr -d '\\n')"
	else
		echo "other $name \${mode:-0}"
	fi
done
if command -v containerd >/dev/null 2>&1; then
	echo containerd
	limit=; command -v timeout >/dev/null 2>&1 && limit='timeout 15'
	dump=$($limit containerd config dump 2>/dev/null | head -c 262144 | base64 | tr -d '\\n')
	[ -n "$dump" ] && echo "dump $dump"
	for folder in "$root"/etc/containerd/certs.d/*/; do
		[ -f "$folder/hosts.toml" ] || continue
		folder=\${folder%/}; echo "folder \${folder##*/}"
	done
fi
echo end
`;

/** @throws Error when a line makes no sense, or the end is missing */
function parseState(text: string): MirrorState {
	const lines = text.split('\n').map(line => line.split(' '));
	if (lines.at(-2)?.[0] !== 'end') throw new Error('The end is missing');
	const all = (word: string): string[] => lines.filter(([first]) => first === word).map(([, value = '']) => value);
	const files = lines
		.filter(([word]) => word === 'file' || word === 'other')
		.map(([word, path = '', mode = '', content = '']): [string, ObservedFile] => [
			path,
			{mode, content: word === 'file' ? decode(content) : undefined},
		]);
	const unexpected = files.find(([path]) => !observedFiles.includes(path as never));
	if (unexpected !== undefined) throw new Error('It tells of a file that it was not asked for');
	const [dump] = all('dump');
	const hasContainerd = lines.some(([word]) => word === 'containerd');
	return {
		hostname: all('hostname')[0] ?? '',
		addresses: all('address'),
		hasAgent: lines.some(([word]) => word === 'agent'),
		hasSystemd: lines.some(([word]) => word === 'systemd'),
		active: wordOf(all('active')) ?? 'unknown',
		isStale: lines.some(([word]) => word === 'stale'),
		enabled: wordOf(all('enabled')) ?? 'not-found',
		files: new Map(files),
		hasContent: lines.some(([word]) => word === 'content'),
		containerd: hasContainerd
			? {
					dump: dump === undefined ? undefined : decode(dump),
					ownFolders: all('folder').filter(name => name !== '_default' && /^[\w.:-]+$/.test(name)),
				}
			: undefined,
	};
}

/** It goes to a terminal. */
function wordOf([word = '']: readonly string[]): string | undefined {
	return /^[a-z-]{1,40}$/.test(word) ? word : undefined;
}

function decode(base64: string): string {
	if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw new Error('It is no base64');
	return Buffer.from(base64, 'base64').toString('utf8');
}
