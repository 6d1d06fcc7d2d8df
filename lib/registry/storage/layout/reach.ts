import {SealError} from '../../../core/errors.js';
import type {Descriptor} from '../../../oci/descriptor.js';
import type {Digest} from '../../../oci/digest.js';
import {isIndexType, isManifestType} from '../../../oci/media-types.js';
import type {Documents} from './documents.js';

/** A manifest through which a repository shows content. */
export interface Root {
	readonly descriptor: Descriptor;
	/** Content that it reaches and that is not to be shown through it. */
	readonly hidden: ReadonlySet<Digest>;
}

/** Everything that roots show. */
export interface Reach {
	readonly content: ReadonlyMap<Digest, Descriptor>;
	/** Referrers among the content, by subject. */
	readonly referrers: ReadonlyMap<Digest, readonly Descriptor[]>;
	/** False when a manifest was not there: what it reaches may come yet. */
	readonly whole: boolean;
}

/** Works out what roots show when it is first asked for, and keeps it. */
export interface Reacher {
	(): Promise<Reach>;
	/** Something has changed in the store: what was not whole is worked out again. */
	renew(): void;
}

export function createReach(documents: Documents, roots: readonly Root[]): Reacher {
	let reach: Promise<Reach> | undefined;
	let isWhole = false;
	const get = async (): Promise<Reach> => {
		reach ??= reachOf(documents, roots);
		const mine = reach;
		try {
			const found = await mine;
			isWhole = found.whole;
			return found;
		} catch (error) {
			if (reach === mine) reach = undefined;
			throw error;
		}
	};
	return Object.assign(get, {
		renew() {
			if (!isWhole) reach = undefined;
		},
	});
}

const maxContent = 2_000_000;

/**
 * Follows configs, layers and children, and no subject: who may attach something to content of another repository must not
 * get to read that content by it.
 */
async function reachOf(documents: Documents, roots: readonly Root[]): Promise<Reach> {
	const content = new Map<Digest, Descriptor>();
	const referrers = new Map<Digest, Descriptor[]>();
	let whole = true;
	const plain = roots.filter(root => root.hidden.size === 0);
	const groups = [plain, ...roots.filter(root => root.hidden.size > 0).map(root => [root])];
	for (const group of groups) {
		const hidden = group[0]?.hidden ?? nothing;
		const seen = new Set<Digest>();
		const queue = group.map(root => root.descriptor);
		for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
			if (seen.has(next.digest)) continue;
			seen.add(next.digest);
			const isNew = !hidden.has(next.digest) && !content.has(next.digest);
			if (isNew) content.set(next.digest, next);
			if (content.size > maxContent) throw new SealError('ERR_MANIFEST_INVALID', 'A repository names too much content');
			const facts = await documents.facts(next);
			if (facts === undefined) {
				whole &&= !isIndexType(next.mediaType) && !isManifestType(next.mediaType);
				continue;
			}
			queue.push(...facts.children);
			if (!isNew || facts.referrer === undefined) continue;
			const {subject, descriptor} = facts.referrer;
			referrers.set(subject, [...(referrers.get(subject) ?? []), descriptor]);
		}
	}
	return {content, referrers, whole};
}

const nothing: ReadonlySet<Digest> = new Set();
