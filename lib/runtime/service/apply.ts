import type {ErrorCode} from '../../core/codes.js';
import type {Abortable} from '../../core/events.js';
import type {Secret} from '../../core/secret.js';
import {HostError} from '../host/error.js';
import {exec} from '../transport/exec.js';
import type {Transport} from '../transport/transport.js';

/** A service of systemd that we put on hosts. */
export interface Service {
	/** `sealimage-registry.service` */
	readonly unit: string;
	/** When a step of its installation fails. */
	readonly failure: ErrorCode;
}

export interface ServiceOptions extends Abortable {
	/** A folder that stands for `/`: the disk of a machine that does not run yet. */
	readonly root?: string | undefined;
}

/** One change of a host. Files are written beside and renamed. */
export type ServiceStep =
	| ({readonly do: 'write'; readonly path: string} & WrittenFile)
	| {readonly do: 'remove'; readonly path: string}
	/** Removes a folder when it is empty. */
	| {readonly do: 'tidy'; readonly path: string}
	/** Removes a folder with all that is in it. */
	| {readonly do: 'purge'; readonly path: string}
	/** Starts a program of ours, in words without spaces. */
	| {readonly do: 'run'; readonly argv: readonly string[]; readonly title: string}
	| {readonly do: 'systemd'; readonly verb: 'daemon-reload' | 'enable' | 'disable' | 'restart' | 'stop'};

/** What only root may read is a secret. */
export type WrittenFile =
	| {readonly mode: '644'; readonly content: string}
	| {readonly mode: '600'; readonly content: Secret};

/**
 * Makes the changes in their order, in one round trip. What is in a step goes over stdin and into no command line.
 * @throws HostError with the code of the service and the step that failed; the steps before it are done
 */
export async function applySteps(
	transport: Transport,
	service: Service,
	steps: readonly ServiceStep[],
	{root = '', ...options}: ServiceOptions = {},
): Promise<void> {
	const input = `${steps.map(lineOf).join('\n')}\n`;
	const argv = ['sh', '-c', script, 'sealimage', service.unit, root];
	const {stdout, stderr, status} = await exec(transport, argv, {
		...options,
		input,
		timeoutMs: 300_000,
		maxOutputBytes: 1024 * 1024,
	});
	if (status.code === 0) return;
	const done = stdout
		.toString('latin1')
		.split('\n')
		.filter(line => line === 'done').length;
	const failed = steps[done];
	const what = failed === undefined ? 'look at the host' : titleOf(failed, service);
	throw new HostError(transport.host, service.failure, `It failed to ${what}: ${wordsOf(stderr)}`, {
		hint: 'Mend what is said, and run the command again: what is done stays done.',
		details: {...status},
	});
}

/** What a step does, as an order. */
export function titleOf(step: ServiceStep, {unit}: Service): string {
	switch (step.do) {
		case 'write':
			return `write ${step.path}`;
		case 'remove':
			return `remove ${step.path}`;
		case 'tidy':
			return `remove the folder ${step.path} if it is empty`;
		case 'purge':
			return `remove the folder ${step.path} with all that is in it`;
		case 'run':
			return step.title;
		case 'systemd':
			return step.verb === 'daemon-reload' ? 'let systemd read its units again' : `${step.verb} ${unit}`;
	}
}

function lineOf(step: ServiceStep): string {
	switch (step.do) {
		case 'write':
			return `write ${step.mode} ${step.path} ${Buffer.from(textOf(step)).toString('base64')}`;
		case 'run':
			return `run ${step.argv.join(' ')}`;
		case 'systemd':
			return `systemd ${step.verb}`;
		default:
			return `${step.do} ${step.path}`;
	}
}

export function textOf(file: WrittenFile): string {
	return file.mode === '600' ? file.content.reveal() : file.content;
}

/** POSIX sh. `read` and `printf` are part of the shell, so that no secret is ever an argument of a program. */
const script = `
LC_ALL=C; export LC_ALL
unit=$1 root=$2
fail() { [ -z "$beside" ] || rm -f "$beside"; exit 1; }
while read -r order first second third; do
	beside=
	case $order in
	write)
		path=$root$second
		(umask 022 && mkdir -p "\${path%/*}") || fail
		beside=$path.sealimage-new
		(umask 077 && printf %s "$third" | base64 -d >"$beside") && chmod "$first" "$beside" && mv -f "$beside" "$path" || fail ;;
	remove) rm -f "$root$first" "$root$first.sealimage-new" || fail ;;
	tidy) [ ! -d "$root$first" ] || rmdir "$root$first" 2>/dev/null || : ;;
	purge) rm -rf "$root$first" || fail ;;
	run) "$root$first" $second $third >/dev/null </dev/null || fail ;;
	systemd)
		exec 3<&0 </dev/null
		case $first in
		daemon-reload) systemctl daemon-reload || fail ;;
		stop)
			systemctl stop "$unit" || fail
			systemctl reset-failed "$unit" 2>/dev/null || : ;;
		restart)
			sync
			systemctl reset-failed "$unit" 2>/dev/null
			said=$(systemctl restart "$unit" 2>&1) || {
				# What the service itself said last, rather than what systemd says of it.
				own=$(journalctl "_SYSTEMD_UNIT=$unit" -n 1 --no-pager -o cat 2>/dev/null)
				echo "\${own:-$said}" >&2
				fail
			} ;;
		*) systemctl "$first" "$unit" >/dev/null 2>&1 || systemctl "$first" "$unit" || fail ;;
		esac
		exec <&3 3<&- ;;
	esac
	echo 'done'
done
sync
`;

/** Lines of a journal go to a terminal: no control characters, and not too many. */
function wordsOf(stderr: Buffer): string {
	const text = stderr
		.subarray(-2000)
		.toString()
		.trim()
		.replaceAll(/\s*\n\s*/g, '; ')
		.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
	return text === '' ? 'it says nothing' : text;
}
