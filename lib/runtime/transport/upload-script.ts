/** The arguments that both scripts take, in this order. */
export interface UploadArguments {
	/** Where the file goes; a relative path begins with `./`. */
	readonly path: string;
	/** The name it gets when `path` is a folder; empty: then that is an error. */
	readonly name: string;
	/** Names the unfinished file: the same for each attempt. */
	readonly id: string;
	readonly sizeBytes: number;
	readonly hex: string;
	/** Octal. */
	readonly mode: string;
	/** `user:group`, or empty. */
	readonly owner: string;
	readonly parents: boolean;
	/** How much of the unfinished file is right. */
	readonly offset: number;
}

export function uploadWords(step: 'probe' | 'receive' | 'discard', request: UploadArguments): readonly string[] {
	const {path, name, id, sizeBytes, hex, mode, owner, parents, offset} = request;
	const words = [path, name, id, String(sizeBytes), hex, mode, owner, parents ? 'parents' : '-', String(offset)];
	return ['/bin/sh', '-c', uploadScript, 'sealimage-upload', step, ...words];
}

/** The unit in which an unfinished file is compared with the source. */
export const blockBytes = 8 * 1024 * 1024;

/**
 * `probe` says what is there: `same`, or `free` with a line of df, and `block DIGEST` for each whole block of an unfinished file.
 * `receive` takes the bytes from stdin, into a file beside, and puts that in place once its digest is right: `done`, `same`, `short`
 * (the input ended early; what came is kept for the next attempt) or `differs`. `discard` removes the unfinished file.
 *
 * The unfinished file is made anew with O_EXCL and goes on only when it is ours: a link or a file that someone else left under its
 * name is not written to. While bytes come they are flushed every few seconds, so that a power cut costs little. Errors are
 * those of the tools, in English.
 */
const uploadScript = `
LC_ALL=C
export LC_ALL
umask 077
step=$1 path=$2 name=$3 id=$4 size=$5 digest=$6 mode=$7 owner=$8
shift 8
parents=$1 offset=$2
sha() { if command -v sha256sum >/dev/null; then sha256sum; else openssl dgst -sha256 -r; fi; }
command -v sha256sum >/dev/null || command -v openssl >/dev/null || { echo 'neither sha256sum nor openssl is installed there' >&2; exit 1; }
digest_of() { set -- $(sha <"$1"); echo "$1"; }
length_of() { echo $(($(wc -c <"$1"))); }
flush() { dd if=/dev/null of="$1" conv=notrunc,fsync 2>/dev/null; }
adorn() { { [ -z "$owner" ] || chown -- "$owner" "$1"; } && chmod -- "$mode" "$1"; }
ours() { [ -f "$part" ] && [ ! -L "$part" ] && [ -O "$part" ]; }
same() { [ -f "$path" ] && [ ! -L "$path" ] && [ "$(length_of "$path")" = "$size" ] && [ "$(digest_of "$path")" = "$digest" ]; }
if [ -d "$path" ]; then
	[ -n "$name" ] || { echo "$path: Is a directory" >&2; exit 1; }
	path=\${path%/}/$name
	[ ! -d "$path" ] || { echo "$path: Is a directory" >&2; exit 1; }
fi
folder=\${path%/*}
[ -n "$folder" ] || folder=/
part=$folder/.sealimage-part-$id
if [ "$step" = discard ]; then
	ours && rm -f -- "$part"
	exit 0
fi
[ "$parents" = - ] || (umask 022; mkdir -p -- "$folder") || exit 1
if [ "$step" = probe ] || [ "$size" -le 1048576 ]; then
	if same; then
		[ "$step" = probe ] || cat >/dev/null
		adorn "$path" && echo same
		exit
	fi
fi
if [ "$step" = probe ]; then
	echo "free $(df -Pk -- "$folder" 2>/dev/null | tail -n 1)"
	ours || exit 0
	count=$(($(length_of "$part") / ${blockBytes})) at=0
	while [ "$at" -lt "$count" ]; do
		set -- $(dd if="$part" bs=${blockBytes} skip="$at" count=1 2>/dev/null | sha)
		echo "block $1"
		at=$((at + 1))
	done
	exit
fi
if [ "$offset" = 0 ]; then
	rm -f -- "$part"
	(set -C; : >"$part") || exit 1
else
	ours || exit 1
	dd if=/dev/null of="$part" bs=1 seek="$offset" 2>/dev/null || exit 1
fi
flusher=
if [ "$size" -gt 33554432 ]; then
	(while sleep 3; do flush "$part"; done) </dev/null >/dev/null 2>&1 &
	flusher=$!
fi
cat >>"$part"
status=$?
[ -z "$flusher" ] || kill "$flusher"
if [ "$status" != 0 ]; then
	rm -f -- "$part"
	exit 1
fi
if [ "$(length_of "$part")" -lt "$size" ]; then
	flush "$part"
	echo short
	exit
fi
if [ "$(digest_of "$part")" != "$digest" ]; then
	rm -f -- "$part"
	echo differs
	exit
fi
if adorn "$part" && { flush "$part" || sync; } && mv -f -- "$part" "$path"; then
	sync -- "$folder" 2>/dev/null
	echo done
else
	rm -f -- "$part"
	exit 1
fi
`.trim();
