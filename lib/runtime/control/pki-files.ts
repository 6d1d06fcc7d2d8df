import type {Abortable} from '../../core/events.js';
import {HostError} from '../host/error.js';
import type {FoundFiles} from '../pki/cluster/authorities.js';
import type {ClusterHost, PkiCluster} from '../pki/cluster/description.js';
import {itemsOf} from '../pki/cluster/items.js';
import {authorityIds, authorityPlaces, kubeconfigPlaces, serviceAccountPlaces} from '../pki/cluster/places.js';
import type {PkiFile} from '../pki/cluster/plan.js';
import {commandFailed, exec} from '../transport/exec.js';
import type {Transport} from '../transport/transport.js';

export interface PkiFilesOptions extends Abortable {
	/** Where files wait until all of them are there. */
	readonly work: string;
	/** A folder that stands for `/`: the disk of a machine that does not run yet. */
	readonly root?: string | undefined;
}

/** All files of a host that belong to the cluster's certificates. */
export function placesOf(cluster: PkiCluster, host: ClusterHost): readonly string[] {
	const items = itemsOf(cluster, host).flatMap(({form}) =>
		form.kind === 'pair' ? [form.key, form.certificate] : [form.path],
	);
	const authorities = authorityIds.map(id => authorityPlaces[id]).flatMap(({key, certificate}) => [key, certificate]);
	const shared = host.isMaster
		? [...authorities, serviceAccountPlaces.key, serviceAccountPlaces.publicKey]
		: [authorityPlaces.kubernetes.certificate];
	return [...shared, ...items, kubeconfigPlaces.kubelet];
}

/**
 * Reads files of a host in one round trip; those that are not there are left out. What an earlier run had brought to the host
 * and not put into its place yet is put there first.
 * @throws HostError ERR_PKI_HOST for an answer that makes no sense, ERR_COMMAND_FAILED, and what `exec` throws
 */
export async function readPkiFiles(
	transport: Transport,
	paths: readonly string[],
	options: PkiFilesOptions,
): Promise<FoundFiles> {
	const stdout = await run(transport, 'read', paths, '', options);
	try {
		return parseFiles(stdout.toString('latin1'), new Set(paths));
	} catch (cause) {
		throw new HostError(
			transport.host,
			'ERR_PKI_HOST',
			'What the host tells of its certificates cannot be understood',
			// The answer holds keys: nothing of it is shown.
			{hint: 'Check that its login shell writes nothing of its own.', details: {why: (cause as Error).message}},
		);
	}
}

/**
 * Brings files to a host in one round trip: all of them, or none. They are flushed beside their places before the first of them counts, and
 * a run that dies later is completed by the next that reads or writes.
 * @throws HostError as `readPkiFiles`
 */
export async function writePkiFiles(
	transport: Transport,
	files: readonly PkiFile[],
	options: PkiFilesOptions,
): Promise<void> {
	const lines = files.map(({mode, path, content}) => {
		const text = typeof content === 'string' ? content : content.reveal();
		return `${mode} ${path} ${Buffer.from(text).toString('base64')}\n`;
	});
	await run(transport, 'write', [], `${lines.join('')}end\n`, options);
}

async function run(
	transport: Transport,
	verb: 'read' | 'write',
	paths: readonly string[],
	input: string,
	{work, root = '', signal}: PkiFilesOptions,
): Promise<Buffer> {
	const argv = ['sh', '-c', script, 'sealimage-certificates', verb, `${work}/certificates`, root, ...paths];
	const result = await exec(transport, argv, {input, signal, timeoutMs: 120_000, maxOutputBytes: maxAnswerBytes});
	if (result.status.code !== 0) throw commandFailed(transport.host, argv, result);
	return result.stdout;
}

const maxFileBytes = 65_536;
const maxAnswerBytes = 4 * 1024 * 1024;

/**
 * POSIX sh. Keys come over stdin and go through `read` and `printf`, which are part of the shell, into no command line. The
 * list makes what is in the folder count: its files are put into their places as often as it takes.
 */
const script = `
LC_ALL=C; export LC_ALL
verb=$1 stage=$3$2 root=$3; shift 3
fail() { echo "$1" >&2; exit 1; }
settle() {
	if [ -f "$stage/list" ]; then
		while read -r number mode path; do
			(umask 022 && mkdir -p "$root\${path%/*}") || fail "no folder for $path"
			beside=$root$path.sealimage-new
			(umask 077 && rm -f "$beside" && cat "$stage/$number" >"$beside") && chmod "$mode" "$beside" &&
				mv -f "$beside" "$root$path" || fail "cannot write $path"
		done <"$stage/list"
		sync
		rm -f "$stage/list"
	fi
	rm -rf "$stage"
}
settle
if [ "$verb" = write ]; then
	(umask 077 && mkdir -p "$stage") || fail 'cannot write'
	number=0 whole=
	while read -r mode path content; do
		[ "$mode" = end ] && { whole=yes; break; }
		number=$((number + 1))
		(umask 077 && printf %s "$content" | base64 -d >"$stage/$number") || fail "cannot write $path"
		echo "$number $mode $path" >>"$stage/coming"
	done
	[ -n "$whole" ] || { rm -rf "$stage"; fail 'the files broke off'; }
	[ "$number" -gt 0 ] || { rm -rf "$stage"; exit 0; }
	sync
	mv "$stage/coming" "$stage/list" && sync && settle
	exit
fi
for name do
	[ -f "$root$name" ] || continue
	[ "$(wc -c <"$root$name")" -le ${maxFileBytes} ] || fail "$name is too long"
	echo "file $name $(base64 <"$root$name" | tr -d '\\n')"
done
echo end
`;

/** @throws Error when a line makes no sense, or the end is missing */
function parseFiles(text: string, wanted: ReadonlySet<string>): FoundFiles {
	const lines = text.split('\n');
	if (lines.at(-2) !== 'end') throw new Error('The end is missing');
	const files = new Map<string, Uint8Array>();
	for (const line of lines.slice(0, -2)) {
		const [, path = '', content = ''] = /^file (\S+) ([A-Za-z0-9+/]*={0,2})$/.exec(line) ?? [];
		if (!wanted.has(path) || files.has(path)) throw new Error('It tells of a file that it was not asked for');
		files.set(path, Buffer.from(content, 'base64'));
	}
	return files;
}
