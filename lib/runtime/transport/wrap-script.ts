import {quote, quoteAll} from './quote.js';

/** What the far side is told in the command line. Nothing here is secret: everyone on the host can read it. */
export interface WrapRequest {
	/** A word that nobody can foresee: tells our lines from what a login shell prints. */
	readonly mark: string;
	/** Become root if the login is another user. */
	readonly root: boolean;
	/** Empty for the home folder. */
	readonly cwd: string;
	/** Lines of shell that come over stdin and set the environment. */
	readonly environmentLines: number;
	/** stdin is a terminal: it must not echo those lines. */
	readonly terminal: boolean;
	readonly argv: readonly string[];
}

/**
 * The command line that starts a command. It works in any login shell: all it asks of it is to start /bin/sh. The far side then says
 * `<MARK start GROUP>` on both outputs, or `<MARK REASON>` on stderr, and from there on the streams are the command's own. Before, it may
 * tell `<MARK sudo>`, that sudo has its turn, and sudo then `<MARK password>`, as its prompt.
 */
export function wrapLine(request: WrapRequest): string {
	const {mark, root, cwd, environmentLines, terminal, argv} = request;
	const words = [mark, root ? 'root' : 'login', String(environmentLines), terminal ? 'tty' : '-', cwd];
	return `exec /bin/sh -c ${quote('eval "$1"')} sealimage ${quoteAll([loginScript, commandScript, ...words, ...argv])}`;
}

/**
 * The same line for hosts where sudo wants a terminal: script(1) makes one on the host, beside the streams, which stay as they are.
 * The process that the connection belongs to is then no longer the parent, so it is handed down.
 */
export function wrapLineWithTerminal(request: WrapRequest): string {
	const inner = `exec <&3 >&4 2>&5 3<&- 4>&- 5>&-; ${wrapLine(request)}`;
	const outer = [
		`command -v script >/dev/null || { printf "<%s noscript>\\n" ${request.mark} >&2; exit 1; }`,
		'SEALIMAGE_LEAD="$$ $PPID" SHELL=/bin/sh',
		'export SEALIMAGE_LEAD SHELL',
		'exec script -q -e -c "$1" /dev/null 3<&0 4>&1 5>&2 </dev/null >/dev/null 2>&1',
	].join('\n');
	return `exec /bin/sh -c ${quote(outer)} sealimage ${quote(inner)}`;
}

/** Ends a process group and its session: arguments are the group, a signal, and how many tenths of a second it has until KILL. */
export const endScript = `
group=$1 signal=$2 left=$3
others() { cat /proc/[0-9]*/stat 2>/dev/null | sed -n "s/^\\([0-9]*\\) (.*) [^ZX] [0-9]* [0-9]* $group .*/\\1/p"; }
alive() { cat /proc/[0-9]*/stat 2>/dev/null | grep -q -e ") [^ZX] [0-9]* $group " -e ") [^ZX] [0-9]* [0-9]* $group "; }
send() {
	kill -s "$1" -- "-$group" 2>/dev/null
	for one in $(others); do kill -s "$1" "$one" 2>/dev/null; done
}
[ -r /proc/self/stat ] || alive() { kill -s 0 -- "-$group" 2>/dev/null; }
send "$signal"
[ "$left" -gt 0 ] || exit 0
while alive; do
	[ "$left" -gt 0 ] || send KILL
	[ "$left" -gt -20 ] || break
	left=$((left - 1))
	sleep 0.1 2>/dev/null || { sleep 1; left=$((left - 9)); }
done
exit 0
`.trim();

/**
 * Runs in /bin/sh, whatever that is, as the one who logged in: sees to a process group of its own, and that the command runs as
 * root. Its variables begin with `seal_`: one that is in the environment already would be handed to the command. sudo is to
 * speak English, for we read what it says; the command is not to know.
 */
const loginScript = dense(`
seal_login=$1 seal_run=$2 seal_mark=$3 seal_as=$4
shift 4
read -r seal_pid seal_x seal_x seal_x seal_group seal_x 2>/dev/null </proc/self/stat || seal_pid=
if [ "$seal_pid" = $$ ] && [ "$seal_group" != $$ ] && command -v setsid >/dev/null; then
	exec setsid /bin/sh -c 'eval "$1"' sealimage "$seal_login" "$seal_run" "$seal_mark" "$seal_as" "$@"
fi
seal_lead=\${SEALIMAGE_LEAD:-"$$ $PPID"}
unset SEALIMAGE_LEAD
if [ "$seal_as" = root ] && [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || { printf '<%s nosudo>\\n' "$seal_mark" >&2; exit 1; }
	printf '<%s sudo>\\n' "$seal_mark" >&2
	LC_ALL=C
	export LC_ALL
	exec sudo -H -S -p "<$seal_mark password>" -- /bin/sh -c 'unset LC_ALL SUDO_COMMAND; eval "$1"' sealimage "$seal_run" "$seal_mark" "$seal_lead" "$@"
fi
set -- "$seal_run" "$seal_mark" "$seal_lead" "$@"
eval "$1"
`);

/**
 * Runs as the one who runs the command, and becomes it. What sudo writes to the host's log is this text.
 *
 * The watcher ends the command when the connection is gone. It looks once a second whether the process that sshd started still
 * has sshd as its parent: an end of input says nothing, for commands may outlive theirs. Signals to the group only wake it.
 */
const commandScript = dense(`
seal_mark=$2 seal_lead=$3 seal_lines=$4 seal_tty=$5 seal_cwd=$6 seal_modes=
shift 6
read -r seal_pid seal_x seal_x seal_x seal_group seal_x 2>/dev/null </proc/self/stat || seal_pid=
[ "$seal_pid" = $$ ] || seal_group=$$ seal_pid=
if [ -n "$seal_cwd" ]; then
	cd -- "$seal_cwd" 2>/dev/null || { printf '<%s nocwd>\\n' "$seal_mark" >&2; exit 1; }
else
	cd 2>/dev/null || cd /
fi
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH
if [ "$seal_tty" = tty ]; then
	if [ "$seal_lines" -gt 0 ]; then
		seal_modes=$(stty -g)
		stty -echo -icanon min 1
	fi
else
	printf '<%s start %s>\\n' "$seal_mark" "$seal_group" >&2 || exit 1
fi
printf '<%s start %s>\\n' "$seal_mark" "$seal_group" || exit 1
if [ "$seal_tty" != tty ] && [ -n "$seal_pid" ]; then
	( (
		trap : HUP INT QUIT TERM USR1 USR2
		while :; do
			sleep 1
			read -r seal_x </proc/$$/stat || exit
			case \${seal_x##*) } in [ZX]*) exit ;; esac
			seal_x=
			read -r seal_x </proc/\${seal_lead% *}/stat || :
			seal_x=\${seal_x##*) }
			seal_x=\${seal_x#* }
			[ "\${seal_x%% *}" = "\${seal_lead#* }" ] || break
		done
		for seal_signal in TERM KILL; do
			for seal_x in $(cat /proc/[0-9]*/stat | sed -n -e "/) [A-Z] [0-9]* $seal_group /d" -e "s/^\\([0-9]*\\) (.*) [A-Z] [0-9]* [0-9]* $seal_group .*/\\1/p"); do
				kill -s $seal_signal "$seal_x"
			done
			kill -s $seal_signal -- "-$seal_group"
			sleep 2
		done
	) </dev/null >/dev/null 2>&1 & )
fi
if [ "$seal_lines" -gt 0 ]; then
	seal_text=
	while [ "$seal_lines" -gt 0 ]; do
		IFS= read -r seal_x || exit 1
		seal_text="$seal_text$seal_x
"
		seal_lines=$((seal_lines - 1))
	done
	[ -z "$seal_modes" ] || stty "$seal_modes"
	eval "$seal_text"
fi
exec "$@"
`);

/** It goes over with each command. */
function dense(script: string): string {
	return script.trim().replaceAll(/^\t+/gm, '');
}
