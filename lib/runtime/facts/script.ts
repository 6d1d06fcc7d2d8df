import {probes} from './probes/index.js';
import type {Wanted} from './wanted.js';

/**
 * The script that a host runs: one text of POSIX shell for dash, bash and busybox. It changes nothing, needs no tool
 * but the shell, and asks each missing one only once. Processes are what costs, so everything small is read by one
 * `grep`, everything that must be picked from large files by another.
 * @param beside what callers ask in the same words
 */
export function factsScript(wanted: Wanted, beside = ''): string {
	return [prelude, ...probes.map(probe => probe.script(wanted)), beside, harvest].join('\n');
}

/**
 * `tell TAG VALUE` prints a value behind its tag, `say TAG TEXT` each line of a text; texts are not expanded, so names must not be either
 * (`set -f`) when one is said. `want FILE...` has whole files read at the end, `pick PATTERN FILE...`
 * the lines that match, of these files and all others that were picked from. Names are expanded (`set +f`) only where a probe asks for it.
 */
const prelude = `set -uf
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin:/run/current-system/sw/bin:\${PATH-}
export LC_ALL PATH
unset CDPATH GREP_OPTIONS GREP_COLOR GREP_COLORS POSIXLY_CORRECT TIME_STYLE
nl='
'
wanted= picked=/proc/self/status pattern=^Uid:
say() {
tag=$1 said=0 IFS=$nl
for text in $2; do
said=$((said + 1))
[ $said -le 4096 ] || break
printf '%s %s\\n' "$tag" "$text"
done
unset IFS
}
tell() { printf '%s %s\\n' "$1" "$2"; }
want() { for file; do wanted=$wanted$nl$file; done; }
pick() {
pattern="$pattern|$1"
shift
for file; do picked=$picked$nl$file; done
}
has() { command -v "$1" >/dev/null 2>&1; }`;

/** A host without grep loses time, not facts: the shell reads the small files itself. */
const harvest = `IFS=$nl
if has grep; then
grep -sHa -m 300 '' /dev/null $wanted
grep -sHaE -m 4096 -e "$pattern" /dev/null $picked
else
for file in $wanted /proc/meminfo /proc/self/mountinfo /proc/self/status; do
[ -f "$file" ] && [ -r "$file" ] || continue
lines=0
while IFS= read -r text || [ -n "$text" ]; do
printf '%s:%s\\n' "$file" "$text"
lines=$((lines + 1))
[ $lines -lt 300 ] || break
done <"$file"
done
fi 2>/dev/null
printf 'end\\n'`;
