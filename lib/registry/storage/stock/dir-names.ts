import type {Digest} from '../../../oci/digest.js';
import {parseReference, repositoryOf, shortReference} from '../../../oci/reference.js';
import {embeddedRepository, plainRepository} from '../../embed/layout.js';
import {isRepositoryName} from './catalog.js';

/** Which repositories of a folder a name may mean. */
export interface DirName {
	/** The repository that is written: with its registry when that was given, else as it was given. */
	readonly own: string;
	/** Repositories that mean this name, best first. */
	readonly exact: readonly string[];
	/** Repositories that mean it unless an image of another registry has the same path, as sealos writes them. */
	readonly plain: readonly string[];
	readonly tag: string | undefined;
	readonly digest: Digest | undefined;
}

/**
 * Reads an image's name for a registry's folder, where `registry.k8s.io/pause` and `pause` are two repositories.
 * @throws SealError ERR_REFERENCE_INVALID
 */
export function readDirName(text: string): DirName {
	const reference = parseReference(text);
	const {tag, digest} = reference;
	const full = embeddedRepository(reference);
	const bare = text.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
	const typed = isRepositoryName(bare) ? [bare] : [];
	const hasDomain = /^(?:[^/]*[.:][^/]*|localhost)\//.test(bare) || typed.length === 0;
	const plain = [plainRepository(reference), shortReference(repositoryOf(reference))];
	return {
		own: hasDomain ? full : bare,
		exact: [...new Set([full, ...typed])],
		plain: [...new Set(plain)].filter(name => name !== full && !typed.includes(name) && isRepositoryName(name)),
		tag,
		digest,
	};
}

/** True for a first part that is the host of a registry: `quay.io`, `localhost_5000`. No other part has a dot and no slash before it by custom. */
export function looksLikeHost(part: string): boolean {
	return /\.|^localhost(?:_\d+)?$/.test(part);
}
