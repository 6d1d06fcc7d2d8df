import type {HostError} from '../host/error.js';
import {commandFailed, exec} from '../transport/exec.js';
import type {Transport} from '../transport/transport.js';
import type {ServiceOptions} from './apply.js';

/** How a service of ours stands on a host. */
export interface ServiceState {
	readonly hasAgent: boolean;
	readonly hasSystemd: boolean;
	/** As systemctl says: `active`, `failed`, `inactive`, `unknown`. */
	readonly active: string;
	/** `enabled`, `disabled`, `not-found`. */
	readonly enabled: string;
	/** The service runs from another version of the agent than the one that counts. */
	readonly isStale: boolean;
	/** Files that are there, by path. */
	readonly files: ReadonlyMap<string, ObservedFile>;
}

export interface ObservedFile {
	/** Undefined for what is no plain file, or longer than files of ours are. */
	readonly content: string | undefined;
	/** Octal: `600`. */
	readonly mode: string;
}

/** What is asked of a host that may have a service. */
export interface ServiceQuestion<State> {
	readonly unit: string;
	/** `/opt/sealimage/bin/sealimage-agent` */
	readonly agent: string;
	/** Every file of the service, but for its content. */
	readonly files: readonly string[];
	/** Longer files are none of ours, or too long to be changed by us. */
	readonly maxFileBytes: number;
	/** POSIX sh that tells more, below `$root`: each line of its output is a word and a value without spaces. */
	readonly more: string;
	/** Reads the answer; `told` holds the values of each word, in their order. What it throws is why the answer makes no sense. */
	readonly read: (state: ServiceState, told: ReadonlyMap<string, readonly string[]>) => State;
	/** The failure of a host whose answer makes no sense. */
	readonly strange: (host: string, cause: unknown) => HostError;
}

/**
 * Looks at a host in one round trip.
 * @throws HostError as `strange` makes it, ERR_COMMAND_FAILED, and what `exec` throws
 */
export async function observeService<State>(
	transport: Transport,
	{unit, agent, files, maxFileBytes, more, read, strange}: ServiceQuestion<State>,
	{root = '', ...options}: ServiceOptions = {},
): Promise<State> {
	const script = `${common}${more}\necho end\n`;
	const argv = ['sh', '-c', script, 'sealimage', unit, agent, root, String(maxFileBytes), ...files];
	const result = await exec(transport, argv, {...options, timeoutMs: 60_000, maxOutputBytes: 1024 * 1024});
	if (result.status.code !== 0) throw commandFailed(transport.host, argv, result);
	try {
		const lines = linesOf(result.stdout.toString('latin1'));
		const told = valuesOf(lines);
		return read(stateOf(lines, told, files), told);
	} catch (error) {
		throw strange(transport.host, error);
	}
}

/** It goes to a terminal, and decides what is done. */
export function stateWord(word: string | undefined, otherwise: string): string {
	return word !== undefined && /^[a-z-]{1,40}$/.test(word) ? word : otherwise;
}

/** @throws Error when it is none */
export function decodeBase64(text: string): string {
	if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new Error('It is no base64');
	return Buffer.from(text, 'base64').toString('utf8');
}

/** POSIX sh; content of files is in base64. */
const common = `
LC_ALL=C; export LC_ALL
unit=$1 agent=$2 root=$3 most=$4; shift 4
[ -x "$root$agent" ] && echo agent
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
	if [ -f "$file" ] && [ ! -L "$file" ] && [ "$(wc -c <"$file")" -le "$most" ]; then
		echo "file $name \${mode:-0} $(base64 <"$file" | tr -d '\\n')"
	else
		echo "other $name \${mode:-0}"
	fi
done
`;

function linesOf(text: string): readonly (readonly string[])[] {
	const lines = text.split('\n').map(line => line.split(' '));
	if (lines.at(-2)?.[0] !== 'end') throw new Error('The end is missing');
	return lines;
}

function valuesOf(lines: readonly (readonly string[])[]): ReadonlyMap<string, readonly string[]> {
	const told = new Map<string, string[]>();
	for (const [word = '', value = ''] of lines) {
		const values = told.get(word) ?? [];
		values.push(value);
		told.set(word, values);
	}
	return told;
}

function stateOf(
	lines: readonly (readonly string[])[],
	told: ReadonlyMap<string, readonly string[]>,
	asked: readonly string[],
): ServiceState {
	const files = lines
		.filter(([word]) => word === 'file' || word === 'other')
		.map(([word, path = '', mode = '', content = '']): [string, ObservedFile] => [
			path,
			{mode, content: word === 'file' ? decodeBase64(content) : undefined},
		]);
	if (files.some(([path]) => !asked.includes(path))) throw new Error('It tells of a file that it was not asked for');
	return {
		hasAgent: told.has('agent'),
		hasSystemd: told.has('systemd'),
		active: stateWord(told.get('active')?.[0], 'unknown'),
		enabled: stateWord(told.get('enabled')?.[0], 'not-found'),
		isStale: told.has('stale'),
		files: new Map(files),
	};
}
