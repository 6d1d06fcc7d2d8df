import {SealError} from '../../core/errors.js';
import type {Digest} from '../../oci/digest.js';
import type {EmbedWarning} from '../../oci/embedded.js';
import {formatReference, type ImageReference} from '../../oci/reference.js';
import {embeddedRepository, plainRepository} from './layout.js';
import type {LowerRegistry} from './lower.js';

/** One name of an image and what it points at. */
export interface NamedRoot {
	readonly name: ImageReference;
	readonly root: Digest;
}

/**
 * The names that also get their plain spelling (`pause` beside `registry.k8s.io/pause`). A plain `path:tag` that two
 * registries would fill with different images goes to neither: a wrong image that runs is worse than a name that is not
 * found. Names by digest never collide, since the digest decides.
 */
export function plainNames(
	names: readonly NamedRoot[],
	lower: LowerRegistry,
	warn: (warning: EmbedWarning) => void,
): ReadonlySet<ImageReference> {
	const claims = new Map<string, NamedRoot[]>();
	const kept = fullNames(names);
	const result = new Set<ImageReference>();
	for (const named of names) {
		if (named.name.tag === undefined) result.add(named.name);
		else {
			const key = spelling(plainRepository(named.name), named.name);
			claims.set(key, [...(claims.get(key) ?? []), named]);
		}
	}
	for (const [key, claimants] of claims) {
		const [first] = claimants as [NamedRoot];
		const below = lower.tag(plainRepository(first.name), first.name.tag ?? '');
		const roots = new Set([...claimants.map(claimant => claimant.root), kept.get(key), below]);
		roots.delete(undefined);
		if (roots.size === 1) {
			for (const claimant of claimants) result.add(claimant.name);
			continue;
		}
		const others = below !== undefined && !claimants.some(claimant => claimant.root === below);
		warn({
			code: 'EmbedAliasCollision',
			message: `${claimants.map(claimant => formatReference(claimant.name)).join(' and ')} would be ${key} without the registry, ${
				others ? 'which a base image uses for another image' : 'so none of them gets that plain name'
			}`,
			hint: 'Refer to these images with their registry, or retag one of them.',
		});
	}
	return result;
}

/** What each name with its registry points at. */
function fullNames(names: readonly NamedRoot[]): ReadonlyMap<string, Digest> {
	const kept = new Map<string, Digest>();
	for (const {name, root} of names) {
		if (name.tag === undefined) continue;
		const key = spelling(embeddedRepository(name), name);
		const before = kept.get(key);
		if (before !== undefined && before !== root) {
			throw new SealError('ERR_EMBED_CONFLICT', `${key} would be ${before} and ${root} in the embedded registry`, {
				hint: 'Embed one of the two images, or give one another name.',
			});
		}
		kept.set(key, root);
	}
	return kept;
}

function spelling(repository: string, {tag}: ImageReference): string {
	return `${repository}:${tag}`;
}
