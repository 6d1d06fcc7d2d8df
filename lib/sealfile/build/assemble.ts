import {oneChunk} from '../../core/bytes.js';
import {SealError} from '../../core/errors.js';
import {formatConfig, type ImageConfig} from '../../oci/config.js';
import {type Descriptor, describe} from '../../oci/descriptor.js';
import {formatManifest, type ImageManifest} from '../../oci/manifest.js';
import {mediaTypes} from '../../oci/media-types.js';
import type {Platform} from '../../oci/platform.js';
import type {BuiltPlatform} from './options.js';
import type {BuildSession} from './session.js';
import {type ImageState, timeText} from './state.js';

/** Writes config and manifest of a finished state. */
export async function writeImage(session: BuildSession, state: ImageState): Promise<Omit<BuiltPlatform, 'images'>> {
	const {store, operation, options} = session;
	const docker = options.format === 'docker';
	const {os, architecture, variant} = state.platform;
	const config: ImageConfig = {
		created: timeText(session, state.newest),
		author: state.stage.author,
		architecture,
		variant,
		os,
		config: state.stage.config,
		rootfs: {type: 'layers', diff_ids: state.layers.map(layer => layer.diffID)},
		history: state.history,
	};
	const configBytes = formatConfig(config);
	const configDescriptor = describe(docker ? mediaTypes.dockerConfig : mediaTypes.config, configBytes);
	await store.push(configDescriptor, oneChunk(configBytes), operation);
	const manifest: ImageManifest = {
		schemaVersion: 2,
		mediaType: docker ? mediaTypes.dockerManifest : mediaTypes.manifest,
		config: configDescriptor,
		layers: state.layers.map(({descriptor}) => layerOf(descriptor, docker)),
		...annotationsOf(session),
	};
	const bytes = formatManifest(manifest);
	const descriptor = describe(manifest.mediaType, bytes);
	await store.push(descriptor, oneChunk(bytes), operation);
	return {platform: state.platform, manifest: descriptor, config: configDescriptor.digest, layers: state.layers};
}

/** Writes the index of several platforms, in the order they were asked for. */
export async function writeIndex(session: BuildSession, built: readonly BuiltPlatform[]): Promise<Descriptor> {
	const mediaType = session.options.format === 'docker' ? mediaTypes.dockerIndex : mediaTypes.index;
	const manifests = built.map(({manifest, platform}) => ({...manifest, platform: indexPlatform(platform)}));
	const bytes = formatManifest({schemaVersion: 2, mediaType, manifests, ...annotationsOf(session)});
	const descriptor = describe(mediaType, bytes);
	await session.store.push(descriptor, oneChunk(bytes), session.operation);
	return descriptor;
}

function indexPlatform({architecture, os, variant}: Platform): Platform {
	return {architecture, os, ...(variant === undefined ? {} : {variant})};
}

/** Docker's schema 2 has no annotations. */
function annotationsOf(session: BuildSession): {readonly annotations?: Readonly<Record<string, string>>} {
	const annotations = Object.entries(session.options.annotations ?? {});
	if (annotations.length === 0) return {};
	if (session.options.format === 'docker') {
		throw new SealError('ERR_USAGE', 'Annotations cannot be kept in docker format', {
			hint: 'Build without --format docker.',
		});
	}
	return {annotations: Object.fromEntries(annotations.toSorted(([a], [b]) => (a < b ? -1 : 1)))};
}

const dockerNames: Readonly<Record<string, string>> = {
	[mediaTypes.layer]: mediaTypes.dockerLayer,
	[mediaTypes.layerGzip]: mediaTypes.dockerLayerGzip,
};
const ociNames: Readonly<Record<string, string>> = {
	[mediaTypes.dockerLayer]: mediaTypes.layer,
	[mediaTypes.dockerLayerGzip]: mediaTypes.layerGzip,
};

/** Docker's schema 2 has no annotations on layers either: what they say is lost there, and nothing depends on it. */
function layerOf({annotations, ...layer}: Descriptor, docker: boolean): Descriptor {
	const typed = {...layer, mediaType: layerType(layer.mediaType, docker)};
	return docker || annotations === undefined ? typed : {...typed, annotations};
}

/** A manifest never mixes the two families: layers of a base take the names of the result (the bytes are the same). */
function layerType(mediaType: string, docker: boolean): string {
	if (docker && mediaType === mediaTypes.layerZstd) {
		throw new SealError('ERR_COMPRESSION', 'Docker has no media type for zstd layers', {
			hint: 'Build in OCI format, or with --compression gzip.',
		});
	}
	return (docker ? dockerNames : ociNames)[mediaType] ?? mediaType;
}
