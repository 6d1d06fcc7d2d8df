import {type Digest, type DigestAlgorithm, isDigest} from '../../oci/digest.js';
import {registryRoot} from '../../registry/embed/layout.js';
import {isRepositoryName} from '../../registry/storage/stock/catalog.js';

/**
 * The files of an embedded registry that may go into the host's: the forms of stock/paths.ts and nothing else, so that an
 * image cannot leave anything there that a server would take for its own.
 */
export interface RegistryFile {
	/** In the order in which files appear, so that each finds what it points at; they go in reverse. */
	readonly kind: 'blob' | 'layer' | 'revision' | 'tag-index' | 'tag';
	/** Of blobs: what their name says they are. */
	readonly digest?: Digest | undefined;
}

export const registryKinds: readonly RegistryFile['kind'][] = ['blob', 'layer', 'revision', 'tag-index', 'tag'];

/** What a path of an image is in the registry; undefined when it is nothing of it. */
export function registryFileOf(path: string): RegistryFile | undefined {
	if (!path.startsWith(`${registryRoot}/`)) return undefined;
	const blob = blobPattern.exec(path);
	if (blob !== null) {
		const digest = `${blob[1]}:${blob[3]}`;
		return isDigest(digest) && blob[2] === blob[3]?.slice(0, 2) ? {kind: 'blob', digest} : undefined;
	}
	const found = linkPattern.exec(path);
	if (found === null || !isRepositoryName(found[1] as string)) return undefined;
	const rest = found[2] as string;
	const kind = linkKinds.find(([pattern]) => pattern.test(rest))?.[1];
	return kind === undefined ? undefined : {kind};
}

/** Blobs of a registry are hashed as their name says, so that a wrong one is known. */
export function contentDigestAlgorithm(path: string): DigestAlgorithm {
	return path.startsWith(`${registryRoot}/blobs/sha512/`) ? 'sha512' : 'sha256';
}

const root = registryRoot.replaceAll('.', '\\.');
const blobPattern = new RegExp(`^${root}/blobs/(sha256|sha512)/([0-9a-f]{2})/([0-9a-f]+)/data$`);
const linkPattern = new RegExp(`^${root}/repositories/(.+?)/(_(?:layers|manifests)/.+)$`);
const hex = '(?:sha256/[0-9a-f]{64}|sha512/[0-9a-f]{128})';
const tag = '[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}';
const linkKinds: readonly (readonly [RegExp, RegistryFile['kind']])[] = [
	[new RegExp(`^_layers/${hex}/link$`), 'layer'],
	[new RegExp(`^_manifests/revisions/${hex}/link$`), 'revision'],
	[new RegExp(`^_manifests/tags/${tag}/index/${hex}/link$`), 'tag-index'],
	[new RegExp(`^_manifests/tags/${tag}/current/link$`), 'tag'],
];
