import type {Abortable} from '../../../core/events.js';
import {hexOf} from '../../../oci/digest.js';
import type {RelayAddress} from '../../relay/addresses.js';
import {exec} from '../../transport/exec.js';
import type {Transport} from '../../transport/transport.js';
import type {AgentFile} from '../bundle/bundle.js';

/** With one of these a bare host can take a file from another one. */
export const downloadTools: readonly string[] = ['curl', 'wget', 'bash'];

/**
 * Lets a host take a file from another one, with what it has: curl, wget or bash. Its digest is checked before it gets its name.
 * False when that does not work, for whatever reason.
 */
export async function takeFile(
	transport: Transport,
	file: AgentFile,
	path: string,
	from: {readonly addresses: readonly RelayAddress[]; readonly path: string},
	{signal}: Abortable,
): Promise<boolean> {
	const places = from.addresses.flatMap(({address, port}) => [address, String(port)]);
	const words = [path, String(file.sizeBytes), hexOf(file.digest), from.path, ...places];
	const argv = ['/bin/sh', '-c', takeScript, 'sealimage-agent-take', ...words];
	const {stdout, status} = await exec(transport, argv, {signal, timeoutMs: timeoutMs(file), maxOutputBytes: 64 * 1024});
	return status.code === 0 && stdout.toString().trim() === 'done';
}

/** Slower than a megabyte a second it is no help. */
function timeoutMs({sizeBytes}: AgentFile): number {
	return 30_000 + sizeBytes / 1000;
}

/** What comes is cut off behind the size that is expected: the other host may be anybody's by now. */
const takeScript = `
LC_ALL=C
export LC_ALL
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
umask 022
path=$1 size=$2 digest=$3 name=$4
shift 4
sha() { if command -v sha256sum >/dev/null; then sha256sum; else openssl dgst -sha256 -r; fi; }
digest_of() { set -- $(sha <"$1"); echo "$1"; }
get() {
	case $1 in *:*) url=http://[$1]:$2$name ;; *) url=http://$1:$2$name ;; esac
	if command -v curl >/dev/null 2>&1; then
		curl -q -g -s -f --connect-timeout 3 --speed-limit 20000 --speed-time 15 "$url"
	elif command -v wget >/dev/null 2>&1; then
		wget -q -T 15 -O - "$url"
	elif command -v bash >/dev/null 2>&1; then
		bash --norc -c '
			exec 3<>"/dev/tcp/$1/$2" || exit 1
			printf "GET %s HTTP/1.0\\r\\n\\r\\n" "$3" >&3
			IFS= read -r -t 15 line <&3 || exit 1
			case $line in *" 200 "*) ;; *) exit 1 ;; esac
			while IFS= read -r line <&3 && [ "\${#line}" -gt 1 ]; do :; done
			exec cat <&3
		' bash "$1" "$2" "$name"
	fi
}
mkdir -p "\${path%/*}" || exit 1
while [ $# -ge 2 ]; do
	get "$1" "$2" 2>/dev/null | head -c "$((size + 1))" >"$path.new"
	if [ "$(($(wc -c <"$path.new")))" = "$size" ] && [ "$(digest_of "$path.new")" = "$digest" ]; then
		mv -f "$path.new" "$path" && echo done
		exit
	fi
	shift 2
done
rm -f "$path.new"
exit 1
`.trim();
