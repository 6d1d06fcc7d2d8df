import {hasCode, isSealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import type {Digest} from '../../oci/digest.js';
import type {ContentFile, StorageInventory} from './inventory.js';
import {type Named, namedBy} from './named.js';
import type {Damage, RegistryFinding, RepairSource} from './verify.js';

/** Follows all manifests of a registry and notes what is wrong on the way, and what it hits. */
export interface Walk {
	run(): Promise<void>;
	/** Fetches what is wrong again. False when nothing more could be mended. */
	repair(source: RepairSource): Promise<boolean>;
	findings(): readonly RegistryFinding[];
	counts(): {readonly repositories: number; readonly manifests: number; readonly missingChildren: number};
}

interface Wrong {
	readonly code: string;
	readonly message: string;
	readonly digest: Digest;
	readonly path?: string | undefined;
	/** As it is named; undefined for a tag's own manifest. */
	readonly named?: Named | undefined;
	readonly kind: 'manifest' | 'blob';
	readonly repositories: Set<string>;
	readonly images: Set<string>;
	/** The content is there, the repository only does not know of it. */
	readonly unlinked: boolean;
}

export function createWalk(
	inventory: StorageInventory,
	contents: Map<Digest, ContentFile>,
	damaged: Damage,
	options: OperationOptions,
): Walk {
	const {signal} = options;
	let wrong = new Map<string, Wrong>();
	const mended = new Map<string, RegistryFinding>();
	const failures = new Map<string, string>();
	const counts = {repositories: 0, manifests: 0, missingChildren: 0};

	const note = (repository: string, image: string, found: Omit<Wrong, 'repositories' | 'images'>): void => {
		const key = found.unlinked ? `${repository} ${found.kind} ${found.digest}` : found.digest;
		const known = wrong.get(key) ?? {...found, repositories: new Set<string>(), images: new Set<string>()};
		known.repositories.add(repository);
		known.images.add(image);
		wrong.set(key, known);
	};
	const check = async (repository: string, image: string, named: Named): Promise<void> => {
		const {digest, size} = named;
		const kind = named.isManifest ? 'manifest' : 'blob';
		const base = {digest, named, kind, unlinked: false} as const;
		const broken = damaged.get(digest);
		const file = contents.get(digest);
		if (broken !== undefined) return note(repository, image, {...base, ...broken});
		if (file === undefined) {
			const message = `${digest} is missing: a ${kind} of ${repository}`;
			return note(repository, image, {...base, code: 'ERR_CONTENT_MISSING', message});
		}
		if (size !== undefined && size !== file.sizeBytes) {
			const message = `${digest} has ${file.sizeBytes} bytes, the manifest of ${image} says ${size}`;
			return note(repository, image, {...base, code: 'ERR_CONTENT_SIZE', message, path: file.path});
		}
		if (await inventory.isLinked(repository, digest, kind)) return;
		const message = `${repository} has no link to ${digest}, a ${kind} that it names`;
		note(repository, image, {...base, code: 'ERR_CONTENT_MISSING', message, unlinked: true});
	};
	const children = createChildren(inventory, contents, damaged, note, signal);

	/** A sparse index names children that nobody has pushed here; another repository may have them. */
	const isSparse = async (repository: string, {digest, isManifest}: Named): Promise<boolean> =>
		isManifest && !(contents.has(digest) && (await inventory.isLinked(repository, digest, 'manifest')));

	const follow = async (
		repository: string,
		image: string,
		root: Digest,
		kept: ReadonlySet<Digest>,
		seen: Set<Digest>,
	): Promise<void> => {
		const queue: Named[] = [
			{digest: root, size: undefined, mediaType: undefined, isManifest: true, isElsewhere: false},
		];
		for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
			signal?.throwIfAborted();
			if (seen.has(next.digest)) continue;
			seen.add(next.digest);
			if (next.isElsewhere && !contents.has(next.digest)) continue;
			if (next.digest !== root && !kept.has(next.digest) && (await isSparse(repository, next))) {
				counts.missingChildren++;
				continue;
			}
			await check(repository, image, next);
			if (next.isManifest) queue.push(...(await children(repository, image, next)));
		}
	};

	return {
		async run() {
			wrong = new Map();
			Object.assign(counts, {repositories: 0, manifests: 0, missingChildren: 0});
			for (const repository of await inventory.storage.repositories({signal})) {
				counts.repositories++;
				const kept = new Set(await inventory.manifests(repository, {signal}));
				counts.manifests += kept.size;
				const reached = new Set<Digest>();
				for (const {tag, digest} of await inventory.tags(repository, {signal})) {
					const seen = new Set<Digest>();
					await follow(repository, `${repository}:${tag}`, digest, kept, seen);
					for (const each of seen) reached.add(each);
				}
				for (const digest of kept) {
					if (!reached.has(digest)) await follow(repository, `${repository}@${digest}`, digest, kept, reached);
				}
			}
		},
		repair: source => repairAll({inventory, contents, damaged, wrong, mended, failures}, source, options),
		findings: () => findingsOf({damaged, wrong, mended, failures}),
		counts: () => counts,
	};
}

interface State {
	readonly inventory: StorageInventory;
	readonly contents: Map<Digest, ContentFile>;
	readonly damaged: Damage;
	readonly wrong: ReadonlyMap<string, Wrong>;
	readonly mended: Map<string, RegistryFinding>;
	/** What was tried in vain, and why. */
	readonly failures: Map<string, string>;
}

async function repairAll(state: State, source: RepairSource, options: OperationOptions): Promise<boolean> {
	const {inventory, contents, damaged, wrong, mended, failures} = state;
	let progress = false;
	for (const [key, each] of wrong) {
		if (failures.has(key)) continue;
		const [repository = ''] = each.repositories;
		try {
			if (!each.unlinked) await fetchAgain(inventory, contents, source, each, options);
			for (const name of each.repositories) await inventory.link(name, each.digest, each.kind);
			damaged.delete(each.digest);
			mended.set(key, asFinding(each, true));
			progress = true;
		} catch (error) {
			options.signal?.throwIfAborted();
			if (!isSealError(error)) throw error;
			failures.set(key, `; not in ${source.name} (${repository}): ${error.message}`);
		}
	}
	// What nothing needs is not worth fetching, but a push of the same content must not take it for good.
	for (const [digest, {code, message, path}] of damaged) {
		if (wrong.has(digest)) continue;
		await inventory.discard(digest);
		damaged.delete(digest);
		contents.delete(digest);
		mended.set(digest, {code, message: `${message}; removed`, digest, path, images: [], mended: true});
	}
	return progress;
}

function findingsOf({
	damaged,
	wrong,
	mended,
	failures,
}: Pick<State, 'damaged' | 'wrong' | 'mended' | 'failures'>): readonly RegistryFinding[] {
	const rest = [...wrong].map(([key, each]) => asFinding(each, false, failures.get(key)));
	const unnamed = [...damaged].filter(([digest]) => !wrong.has(digest));
	return [
		...mended.values(),
		...rest,
		...unnamed.map(([digest, {code, message, path}]) => ({code, message, digest, path, images: [], mended: false})),
	];
}

/** What manifests name, read once each. */
function createChildren(
	inventory: StorageInventory,
	contents: ReadonlyMap<Digest, ContentFile>,
	damaged: Damage,
	note: (repository: string, image: string, found: Omit<Wrong, 'repositories' | 'images'>) => void,
	signal: AbortSignal | undefined,
): (repository: string, image: string, manifest: Named) => Promise<readonly Named[]> {
	const known = new Map<Digest, readonly Named[]>();
	return async (repository, image, manifest) => {
		const {digest} = manifest;
		const before = known.get(digest);
		if (before !== undefined) return before;
		if (damaged.has(digest) || !contents.has(digest)) return [];
		const found = await inventory.storage.manifest(repository, digest, {signal}).catch((error: unknown) => {
			signal?.throwIfAborted();
			if (!isSealError(error)) throw error;
			const {code, message} = error;
			note(repository, image, {code, message, digest, named: manifest, kind: 'manifest', unlinked: false});
			return undefined;
		});
		if (found === undefined) return [];
		const named = namedBy(found.bytes);
		known.set(digest, named);
		return named;
	};
}

async function fetchAgain(
	inventory: StorageInventory,
	contents: Map<Digest, ContentFile>,
	source: RepairSource,
	{digest, named, kind, repositories}: Wrong,
	options: OperationOptions,
): Promise<void> {
	let failure: unknown;
	for (const repository of repositories) {
		try {
			const {size, mediaType = 'application/octet-stream'} = named ?? {};
			const descriptor =
				kind === 'manifest' || size === undefined
					? await source.resolve(repository, digest, options)
					: {mediaType, digest, size};
			await inventory.restore(descriptor, await source.fetch(repository, descriptor, options), options);
			contents.set(digest, {digest, path: '', sizeBytes: descriptor.size});
			return;
		} catch (error) {
			// The disk will not grow by asking the next repository.
			if (hasCode(error, 'ERR_NO_SPACE')) throw error;
			failure = error;
		}
	}
	throw failure;
}

function asFinding({code, message, digest, path, images}: Wrong, mended: boolean, more = ''): RegistryFinding {
	return {code, message: `${message}${more}`, digest, path, images: [...images].toSorted(), mended};
}
