export type TreeStep = 'list' | 'check' | 'receive' | 'commit' | 'discard';

export interface TreeArguments {
	readonly path: string;
	/** Names the unfinished folder: the same for each attempt. */
	readonly id: string;
	/** `user:group`, or empty. */
	readonly owner: string;
	/** Nothing of what was there stays. */
	readonly replace: boolean;
	readonly parents: boolean;
	/** The unfinished folder of an earlier attempt is gone on with. */
	readonly resume: boolean;
}

export function treeWords(step: TreeStep, request: TreeArguments): readonly string[] {
	const {path, id, owner, replace, parents, resume} = request;
	const words = [path, id, owner, replace ? 'replace' : '-', parents ? 'parents' : '-', resume ? 'resume' : '-'];
	return ['/bin/sh', '-c', treeScript, 'sealimage-tree', step, ...words];
}

/**
 * `list` says what is there: `free` with a line of df, then of an earlier attempt `part SIZE MTIME MODE PATH` of each file and `name PATH` of all else, and as of files
 * `here` for those of the names on stdin (each ended by a NUL) that the folder has. `check` takes digests of such, as sha256sum
 * writes them, says how many are right, and gives those their owner. `receive` unpacks a tar from stdin into a folder beside (inside, when the files go into a folder that exists, so that both are on one file system).
 * `commit` takes the digests of all files from stdin, checks them, and puts the tree in place: `done`, or `differs`.
 * `discard` removes the unfinished folder.
 *
 * A folder that replaces another is moved there after that was moved away. A run that died in between is mended by the next.
 */
const treeScript = `
LC_ALL=C
export LC_ALL
umask 022
step=$1 path=$2 id=$3 owner=$4 replace=$5 parents=$6 resume=$7
for tool in tar sha256sum; do
	command -v "$tool" >/dev/null || { echo "$tool is not installed there" >&2; exit 1; }
done
path=\${path%/}
[ -n "$path" ] || path=/
folder=\${path%/*}
[ -n "$folder" ] || folder=/
old=$folder/.sealimage-old-$id
if [ -d "$old" ] && [ ! -e "$path" ]; then mv -- "$old" "$path"; fi
if [ "$replace" = - ] && [ -d "$path" ]; then
	part=\${path%/}/.sealimage-part-$id
else
	part=$folder/.sealimage-part-$id
fi
ours() { [ -d "$part" ] && [ ! -L "$part" ] && [ -O "$part" ]; }
if [ "$step" = discard ]; then
	! ours || rm -rf -- "$part"
	exit 0
fi
if [ "$replace" = - ] && [ -e "$path" ] && [ ! -d "$path" ]; then
	echo "$path: Not a directory" >&2
	exit 1
fi
[ "$parents" = - ] || mkdir -p -- "$folder" || exit 1
case $step in
list)
	echo "free $(df -Pk -- "\${part%/*}" 2>/dev/null | tail -n 1)"
	if ours; then
		(cd -- "$part" && find . -type f -exec stat -c 'part %s %Y %a %n' {} + && find . ! -type f -exec stat -c 'name %n' {} +) 2>/dev/null
	fi
	if [ "$replace" = - ] && cd -- "$path" 2>/dev/null; then
		xargs -0 stat -c 'here %s %Y %a %n' 2>/dev/null
	fi
	exit 0
	;;
check)
	cd -- "$path" || exit 1
	right=$(sha256sum -c 2>/dev/null | sed -n 's/: OK$//p')
	if [ -n "$owner" ] && [ -n "$right" ]; then
		printf '%s\\n' "$right" | tr '\\n' '\\0' | xargs -0 chown -h -- "$owner" || exit 1
	fi
	printf '%s\\n' "$right" | grep -c .
	exit 0
	;;
receive)
	[ "$resume" = resume ] && ours || { rm -rf -- "$part"; mkdir -m 700 -- "$part" || exit 1; }
	said=$(tar -xpof - -C "$part" 2>&1) && exit 0
	printf '%s\\n' "$said" | tail -n 5 >&2
	case $said in
	*'No space left'* | *'quota exceeded'* | *'Read-only file system'*) rm -rf -- "$part" ;;
	esac
	exit 1
	;;
esac
cd -- "$part" || exit 1
read -r count
if [ "$count" != 0 ] && [ "$(sha256sum -c 2>/dev/null | grep -c ': OK$')" != "$count" ]; then
	cd - >/dev/null
	rm -rf -- "$part"
	echo differs
	exit 0
fi
cd - >/dev/null
fail() { rm -rf -- "$part"; exit 1; }
[ -z "$owner" ] || chown -R -h -- "$owner" "$part" || fail
sync -f -- "$part" 2>/dev/null || sync
if [ "$replace" = - ] && [ -d "$path" ]; then
	said=$(find "$part" -mindepth 1 -maxdepth 1 -exec cp -alf -- {} "$path/" ';' 2>&1)
	rm -rf -- "$part"
	[ -z "$said" ] || { printf '%s\\n' "$said" >&2; exit 1; }
else
	if [ -e "$path" ] || [ -L "$path" ]; then
		rm -rf -- "$old"
		mv -- "$path" "$old" || fail
	fi
	mv -- "$part" "$path" || { [ ! -e "$old" ] || mv -- "$old" "$path"; fail; }
	rm -rf -- "$old"
fi
sync -- "$folder" 2>/dev/null
echo done
`.trim();
