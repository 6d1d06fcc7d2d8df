import {hasCode, SealError} from '../../core/errors.js';
import {emit} from '../../core/events.js';
import type {ImageConfig} from '../../oci/config.js';
import type {ImageSource} from '../../oci/content.js';
import {copy} from '../../oci/copy.js';
import type {Descriptor} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';
import {loadImage} from '../../oci/image.js';
import {childrenOf} from '../../oci/manifest.js';
import {formatPlatform, type Platform} from '../../oci/platform.js';
import type {LayerRecord} from './cache.js';
import type {BuildSession} from './session.js';

/** An image in the store that a stage starts from, or copies from. */
export interface BaseImage {
	readonly platform: Platform;
	readonly config: ImageConfig;
	readonly layers: readonly LayerRecord[];
	readonly descriptor: Descriptor;
	/** Whole seconds since the epoch. */
	readonly created: number;
}

/**
 * Brings an image into the store, by the pull policy of the build, and reads it.
 * @throws SealError ERR_IMAGE_UNKNOWN, ERR_PLATFORM, and what the sources throw
 */
export async function loadBase(session: BuildSession, reference: string, platform: Platform): Promise<BaseImage> {
	const descriptor = await fetchBase(session, reference, platform);
	const {config, manifest} = await loadImage(session.store, descriptor, platform, session.operation);
	if (config.rootfs.diff_ids.length !== manifest.layers.length) {
		throw new SealError(
			'ERR_MANIFEST_INVALID',
			`${reference} has ${manifest.layers.length} layers but its config lists ${config.rootfs.diff_ids.length}`,
		);
	}
	const seconds = Math.floor(Date.parse(config.created ?? '') / 1000);
	const created = Number.isFinite(seconds) ? seconds : 0;
	const layers = manifest.layers.map((layer, i) => ({
		descriptor: layer,
		diffID: config.rootfs.diff_ids[i] as Digest,
		sizeBytes: layer.size,
		newest: created,
	}));
	return {platform, config, layers, descriptor, created};
}

/** Finds the image where the pull policy says, copies what is missing, and gives its descriptor in the store. */
async function fetchBase(session: BuildSession, reference: string, platform: Platform): Promise<Descriptor> {
	const {store, operation, options} = session;
	const pull = options.pull ?? 'missing';
	if (pull !== 'always') {
		const local = await findComplete(session, reference, platform);
		if (local !== undefined) return local;
	}
	for (const source of pull === 'never' ? [] : (options.sources ?? [])) {
		if ((await resolveIn(source, reference, session)) === undefined) continue;
		emit(operation, {
			type: 'step.started',
			id: `pull ${reference}`,
			title: `Pulling ${reference}`,
			platform: formatPlatform(platform),
		});
		const started = performance.now();
		const descriptor = await copy(source, reference, store, {...operation, platform, keepIndex: true});
		emit(operation, {
			type: 'step.finished',
			id: `pull ${reference}`,
			title: `Pulled ${reference}`,
			digest: descriptor.digest,
			elapsedMs: performance.now() - started,
		});
		return descriptor;
	}
	const local = pull === 'always' ? await findComplete(session, reference, platform) : undefined;
	if (local !== undefined) return local;
	throw new SealError(
		'ERR_IMAGE_UNKNOWN',
		`The base image ${reference} is not in the store${pull === 'never' ? '' : ' and no source has it'}`,
		{
			hint:
				pull === 'never'
					? 'Load it first, or build without --pull=never.'
					: 'Check the name, or bring the image here with "sealimage load".',
		},
	);
}

/** The image in the store if all of it is there for this platform: a sparse index may lack others. */
async function findComplete(
	session: BuildSession,
	reference: string,
	platform: Platform,
): Promise<Descriptor | undefined> {
	const {store, operation, options} = session;
	const descriptor = await resolveIn(store, reference, session);
	if (descriptor === undefined) return undefined;
	try {
		const {manifest} = await loadImage(store, descriptor, platform, operation);
		for (const child of childrenOf(manifest)) {
			if (await store.exists(child, operation)) continue;
			throw new SealError(
				'ERR_CONTENT_MISSING',
				`${reference} is not complete in the store: ${child.digest} is missing`,
				{hint: 'Load or pull the image again.'},
			);
		}
		return descriptor;
	} catch (error) {
		const elsewhere = options.pull !== 'never' && (options.sources ?? []).length > 0;
		if (elsewhere && (hasCode(error, 'ERR_CONTENT_MISSING') || hasCode(error, 'ERR_PLATFORM'))) return undefined;
		throw error;
	}
}

async function resolveIn(
	source: ImageSource,
	reference: string,
	session: BuildSession,
): Promise<Descriptor | undefined> {
	try {
		return await source.resolve(reference, session.operation);
	} catch (error) {
		if (hasCode(error, 'ERR_IMAGE_UNKNOWN')) return undefined;
		throw error;
	}
}
