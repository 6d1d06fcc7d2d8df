import {HostError} from '../host/error.js';
import type {ServiceOptions} from '../service/apply.js';
import {decodeBase64, observeService, type ServiceState} from '../service/observe.js';
import type {Transport} from '../transport/transport.js';
import {places, unitName} from './places.js';

/** What a host has of its registry. */
export interface MirrorState extends ServiceState {
	readonly hostname: string;
	/** Of its own, without loopback and link-local ones, in the order of its interfaces. */
	readonly addresses: readonly string[];
	/** Whether there is a folder for the content. */
	readonly hasContent: boolean;
	readonly containerd?: ObservedContainerd | undefined;
}

export interface ObservedContainerd {
	/** What `containerd config dump` writes; undefined when it fails. */
	readonly dump: string | undefined;
	/** Registries with a folder of their own in certs.d: their pulls do not come to us. */
	readonly ownFolders: readonly string[];
}

/**
 * Looks at a host in one round trip.
 * @throws HostError ERR_MIRROR_STATE, ERR_COMMAND_FAILED, and what `exec` throws
 */
export async function observeMirror(transport: Transport, options: ServiceOptions = {}): Promise<MirrorState> {
	return await observeService(
		transport,
		{unit: unitName, agent: places.agent, files, maxFileBytes: 65_536, more, read, strange},
		options,
	);
}

/** Everything but the content. */
const files: readonly string[] = [
	places.config,
	places.authority,
	places.authorityKey,
	places.certificate,
	places.key,
	places.htpasswd,
	places.login,
	places.unit,
	places.hostsToml,
];

const more = `
echo "hostname $(hostname 2>/dev/null || cat /proc/sys/kernel/hostname)"
{ ip -o addr show scope global 2>/dev/null | awk '{print $4}' || :; } | sed 's|/.*||; s|^|address |'
[ -e "$root${places.content}" ] && echo content
if command -v containerd >/dev/null 2>&1; then
	echo containerd
	limit=; command -v timeout >/dev/null 2>&1 && limit='timeout 15'
	dump=$($limit containerd config dump 2>/dev/null | head -c 262144 | base64 | tr -d '\\n')
	[ -n "$dump" ] && echo "dump $dump"
	for folder in "$root"/etc/containerd/certs.d/*/; do
		[ -f "$folder/hosts.toml" ] || continue
		folder=\${folder%/}; echo "folder \${folder##*/}"
	done
fi`;

function read(state: ServiceState, told: ReadonlyMap<string, readonly string[]>): MirrorState {
	const dump = told.get('dump')?.[0];
	return {
		...state,
		hostname: told.get('hostname')?.[0] ?? '',
		addresses: told.get('address') ?? [],
		hasContent: told.has('content'),
		containerd: told.has('containerd')
			? {
					dump: dump === undefined ? undefined : decodeBase64(dump),
					ownFolders: (told.get('folder') ?? []).filter(name => name !== '_default' && /^[\w.:-]+$/.test(name)),
				}
			: undefined,
	};
}

function strange(host: string, cause: unknown): HostError {
	return new HostError(host, 'ERR_MIRROR_STATE', 'What the host tells of its registry cannot be understood', {
		hint: 'Check that its login shell writes nothing of its own.',
		cause,
	});
}
