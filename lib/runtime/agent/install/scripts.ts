const common = `
LC_ALL=C
export LC_ALL
umask 022
sha() { if command -v sha256sum >/dev/null; then sha256sum; else openssl dgst -sha256 -r; fi; }
digest_of() { set -- $(sha <"$1"); echo "$1"; }
ours() {
	for node in "$prefix"/versions/*/node; do
		[ "$1" -ef "$node" ] 2>/dev/null && return 0
	done
	return 1
}
same() { [ -f "$1" ] && [ ! -L "$1" ] && [ "$(($(wc -c <"$1")))" = "$2" ] && [ "$(digest_of "$1")" = "$3" ]; }
`.trim();

/**
 * Says what is there: `machine`, `libc`, `tool` for each that helps, `free` with a line of df, `current` and `version` with ids, `launcher` with a
 * digest. For each file that is asked for (name, size, digest) `have NAME PATH` when some version has these very bytes.
 */
const surveyScript = `
${common}
prefix=$1 id=$2 stage=$1/versions/$3
shift 3
echo "machine $(uname -m)"
echo "libc $(getconf GNU_LIBC_VERSION 2>/dev/null)"
for tool in gzip curl wget bash; do
	if command -v "$tool" >/dev/null 2>&1; then echo "tool $tool"; fi
done
folder=$prefix
while [ ! -d "$folder" ]; do
	folder=\${folder%/*}
	[ -n "$folder" ] || folder=/
done
echo "free $(df -Pk "$folder" 2>/dev/null | tail -n 1)"
if [ -L "$prefix/current" ]; then
	at=$(cd -P "$prefix/current" 2>/dev/null && pwd -P) && echo "current \${at##*/}"
fi
for version in "$prefix"/versions/*; do
	if [ -d "$version" ]; then echo "version \${version##*/}"; fi
done
if [ -f "$prefix/bin/sealimage-agent" ]; then echo "launcher $(digest_of "$prefix/bin/sealimage-agent")"; fi
while [ $# -ge 3 ]; do
	for path in "$prefix/versions/$id/$1" "$stage/$1" "$prefix"/versions/*/"$1"; do
		if same "$path" "$2" "$3"; then
			echo "have $1 $path"
			break
		fi
	done
	shift 3
done
`.trim();

/**
 * Makes a version whole and hands over to it. Each file (name, size, digest, mode, and where it is: `sent`, `gzip`, or the path of one with the
 * same bytes) is put into the unfinished folder and verified there; the folder becomes the version with one rename. A version that is there but was
 * damaged is mended file by file. Then, after the line `start`, the version itself switches over to itself, which proves that it runs: see verbs/activate.ts.
 */
const finishScript = `
${common}
prefix=$1 stage=$1/versions/$3 target=$1/versions/$2
shift 3
flush() { dd if=/dev/null of="$1" conv=notrunc,fsync 2>/dev/null </dev/null || sync; }
mkdir -p "$stage" || exit 1
while [ $# -ge 5 ]; do
	file=$stage/$1
	case $5 in
	sent) ;;
	gzip)
		gzip -dc <"$file.gz" >"$file.new" && mv -f "$file.new" "$file" || { rm -f "$file.new"; exit 1; }
		rm -f "$file.gz"
		;;
	"$file") ;;
	*)
		rm -f "$file"
		ln "$5" "$file" 2>/dev/null || cp "$5" "$file" || exit 1
		;;
	esac
	same "$file" "$2" "$3" || { rm -f "$file"; echo "differs $1" >&2; exit 3; }
	{ chown 0:0 "$file" 2>/dev/null || [ "$(id -u)" != 0 ]; } && chmod "$4" "$file" || exit 1
	flush "$file"
	shift 5
done
chmod 755 "$stage" || exit 1
made=
[ -d "$target" ] || made=yes
# Nothing may be moved into a version that another operator has just made: mv -T replaces a name or fails.
if [ -z "$made" ] || ! mv -T "$stage" "$target" 2>/dev/null; then
	mkdir -p "$target" && chmod 755 "$target" || exit 1
	for file in "$stage"/*; do
		if [ "$file" -ef "$target/\${file##*/}" ]; then continue; fi
		mv -f "$file" "$target/" || exit 1
	done
	rm -rf "$stage"
fi
unset NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS
echo start
printf '{"folder":"%s"}\\n' "$target" | "$target/node" "$target/agent.js" activate
status=$?
if [ "$status" != 0 ] && [ -n "$made" ]; then rm -rf "$target"; fi
if command -v restorecon >/dev/null 2>&1; then restorecon -R "$prefix" >/dev/null 2>&1 </dev/null; fi
exit "$status"
`.trim();

/** Removes everything. `busy PID` for each process that is an agent: then, unless forced, nothing is removed. `absent` when there is nothing. */
const removeScript = `
${common}
prefix=$1 force=$2
if [ ! -e "$prefix" ] && [ ! -L "$prefix" ]; then
	echo absent
	exit
fi
busy=
for exe in /proc/[0-9]*/exe; do
	if ours "$exe"; then
		pid=\${exe#/proc/}
		echo "busy \${pid%/exe}"
		busy=yes
	fi
done
if [ -n "$busy" ] && [ "$force" != force ]; then exit; fi
rm -f "$prefix/current"
rm -rf "$prefix" || exit 1
sync "\${prefix%/*}" 2>/dev/null
echo removed
`.trim();

/**
 * As the survey, and `file VERSION NAME DIGEST` for every file there is, `running VERSION` for each process; at the end `manifest VERSION BYTES`, each
 * followed by so many bytes.
 */
const statusScript = `
${surveyScript}
for version in "$prefix"/versions/*; do
	[ -d "$version" ] || continue
	for file in "$version"/*; do
		if [ -f "$file" ]; then echo "file \${version##*/} \${file##*/} $(digest_of "$file")"; fi
	done
done
for exe in /proc/[0-9]*/exe; do
	ours "$exe" || continue
	script=$(tr '\\0' '\\n' <"\${exe%/exe}/cmdline" 2>/dev/null | sed -n 2p)
	version=\${script%/agent.js}
	echo "running \${version##*/}"
done
for version in "$prefix"/versions/*; do
	[ -f "$version/agent.json" ] || continue
	size=$(($(wc -c <"$version/agent.json")))
	[ "$size" -le 65536 ] || continue
	echo "manifest \${version##*/} $size"
	cat "$version/agent.json"
done
`.trim();

const scripts = {survey: surveyScript, finish: finishScript, remove: removeScript, status: statusScript} as const;

/** The argument list that runs one of the scripts. */
export function scriptWords(name: keyof typeof scripts, words: readonly string[]): readonly string[] {
	return ['/bin/sh', '-c', scripts[name], `sealimage-agent-${name}`, ...words];
}
