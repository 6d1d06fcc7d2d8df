import type {Abortable} from '../../core/events.js';
import {HostError} from '../host/error.js';
import {commandFailed, exec} from '../transport/exec.js';
import type {Transport} from '../transport/transport.js';
import {clusterAuthority, places, service} from './places.js';

export interface BalanceOptions extends Abortable {
	/** A folder that stands for `/`: the disk of a machine that does not run yet. */
	readonly root?: string | undefined;
}

/** What a host has of its load balancer. */
export interface BalanceState {
	readonly hasAgent: boolean;
	readonly hasSystemd: boolean;
	/** As systemctl says: `active`, `failed`, `inactive`, `unknown`. */
	readonly active: string;
	/** `enabled`, `disabled`, `not-found`. */
	readonly enabled: string;
	/** The service runs from another version of the agent than the one that counts. */
	readonly isStale: boolean;
	/** Whether the cluster's own authority is on the host. */
	readonly hasClusterAuthority: boolean;
	/** Whether there is a folder with what it learnt and changed. */
	readonly hasState: boolean;
	/** Files that are there, by path; undefined for what is no plain file, or longer than files of ours are. */
	readonly files: ReadonlyMap<string, string | undefined>;
}

/**
 * Looks at a host in one round trip.
 * @throws HostError ERR_LB_STATE, ERR_COMMAND_FAILED, and what `exec` throws
 */
export async function observeBalancer(
	transport: Transport,
	{root = '', ...options}: BalanceOptions = {},
): Promise<BalanceState> {
	const argv = ['sh', '-c', script, 'sealimage-lb', service.unit, root, ...observedFiles];
	const result = await exec(transport, argv, {...options, timeoutMs: 60_000, maxOutputBytes: 1024 * 1024});
	if (result.status.code !== 0) throw commandFailed(transport.host, argv, result);
	try {
		return parseState(result.stdout.toString('latin1'));
	} catch (error) {
		throw strangeAnswer(transport.host, error);
	}
}

export function strangeAnswer(host: string, cause: unknown): HostError {
	return new HostError(host, 'ERR_LB_STATE', 'What the host tells of its load balancer cannot be understood', {
		hint: 'Install the agent of this version of sealimage, and check that the login shell writes nothing of its own.',
		cause,
	});
}

/** It goes to a terminal, and decides what is done. */
export function stateWord(word: string | undefined, otherwise: string): string {
	return word !== undefined && /^[a-z-]{1,40}$/.test(word) ? word : otherwise;
}

const observedFiles: readonly string[] = [places.config, places.authority, places.unit];
/** A file with a thousand members is a third of this. */
const maxFileBytes = 131_072;

/** POSIX sh; each line of its output is a word and values without spaces, content in base64. */
const script = `
LC_ALL=C; export LC_ALL
unit=$1 root=$2; shift 2
[ -x "$root${places.agent}" ] && echo agent
[ -s "$root${clusterAuthority}" ] && echo authority
[ -e "$root${places.state}" ] && echo state
if [ -d "$root/run/systemd/system" ]; then
	echo systemd
	echo "active $(systemctl is-active "$unit" 2>/dev/null)"
	echo "enabled $(systemctl is-enabled "$unit" 2>/dev/null)"
	pid=$(systemctl show -p MainPID "$unit" 2>/dev/null | sed 's/.*=//')
	if [ "\${pid:-0}" -gt 0 ] 2>/dev/null; then
		current=$(readlink -f "$root/opt/sealimage/current" 2>/dev/null)
		case $(readlink "/proc/$pid/exe" 2>/dev/null) in
		"$current"/*) ;;
		*) echo stale ;;
		esac
	fi
fi
for name do
	file=$root$name
	if [ -f "$file" ] && [ ! -L "$file" ] && [ "$(wc -c <"$file")" -le ${maxFileBytes} ]; then
		echo "file $name $(base64 <"$file" | tr -d '\\n')"
	elif [ -e "$file" ] || [ -L "$file" ]; then
		echo "other $name"
	fi
done
echo end
`;

/** @throws Error when a line makes no sense, or the end is missing */
function parseState(text: string): BalanceState {
	const lines = text.split('\n').map(line => line.split(' '));
	if (lines.at(-2)?.[0] !== 'end') throw new Error('The end is missing');
	const has = (word: string): boolean => lines.some(([first]) => first === word);
	const value = (word: string): string | undefined => lines.find(([first]) => first === word)?.[1];
	const files = lines
		.filter(([word]) => word === 'file' || word === 'other')
		.map(([word, path = '', content = '']): [string, string | undefined] => [
			path,
			word === 'file' ? decode(content) : undefined,
		]);
	if (files.some(([path]) => !observedFiles.includes(path)))
		throw new Error('It tells of a file that it was not asked for');
	return {
		hasAgent: has('agent'),
		hasSystemd: has('systemd'),
		active: stateWord(value('active'), 'unknown'),
		enabled: stateWord(value('enabled'), 'not-found'),
		isStale: has('stale'),
		hasClusterAuthority: has('authority'),
		hasState: has('state'),
		files: new Map(files),
	};
}

function decode(base64: string): string {
	if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw new Error('It is no base64');
	return Buffer.from(base64, 'base64').toString('utf8');
}
