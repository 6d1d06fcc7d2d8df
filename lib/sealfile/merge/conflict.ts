import {SealError} from '../../core/errors.js';

/** A place where merged images differ although they must agree. */
export interface MergeConflict {
	readonly kind: 'file' | 'label' | 'env' | 'setting';
	/** Path, label, variable, or field of the config. */
	readonly name: string;
	/** The images that differ, in order. */
	readonly images: readonly string[];
}

export type OnConflict = 'error' | 'first' | 'last';

/** One image's word on something. */
export interface Claim<T> {
	readonly image: string;
	readonly value: T;
}

/**
 * The value that claims give: the one they share, or the first or last one. Differing claims are reported; with `error` the
 * caller refuses all reported conflicts at once.
 */
export function settle<T>(
	claims: readonly Claim<T>[],
	isEqual: (a: T, b: T) => boolean,
	onConflict: OnConflict,
	report: (images: readonly string[]) => void,
): T {
	const [first, ...others] = claims as readonly [Claim<T>, ...Claim<T>[]];
	const last = claims.at(-1) as Claim<T>;
	// Of equal values the last is the one that lies on top already.
	if (others.every(other => isEqual(first.value, other.value))) return last.value;
	report(claims.map(claim => claim.image));
	return onConflict === 'last' ? last.value : first.value;
}

/** @throws SealError ERR_MERGE_CONFLICT listing all of them */
export function refuseConflicts(conflicts: readonly MergeConflict[]): void {
	const [first] = conflicts;
	if (first === undefined) return;
	const shown = conflicts.slice(0, 20).map(({kind, name, images}) => `\n  ${kind} ${name}: ${images.join(', ')}`);
	const more = conflicts.length > shown.length ? `\n  and ${conflicts.length - shown.length} more` : '';
	throw new SealError('ERR_MERGE_CONFLICT', `The images differ where they must agree:${shown.join('')}${more}`, {
		hint: 'Choose --on-conflict=first or --on-conflict=last, or change one of the images.',
		details: {conflicts},
	});
}
