import {emit} from '../../core/events.js';
import {type Component, withComponent} from '../../oci/component.js';
import type {Compression} from '../../oci/compress/compression.js';
import type {LayerEntry} from '../../oci/entry.js';
import {formatPlatform} from '../../oci/platform.js';
import {writeKeyed} from './layer.js';
import type {BuildSession} from './session.js';
import {type ImageState, withLayer} from './state.js';

export interface KeyedLayer {
	/** Of the step, for progress. */
	readonly id: string;
	readonly title: string;
	/** Says everything that the bytes of the layer depend on. */
	readonly key: string;
	/** Asked only when the layer has to be written. */
	readonly entries: () => readonly LayerEntry[];
	readonly compression: Compression;
	readonly component?: Component | undefined;
	/** What the history of the image says. */
	readonly text: string;
}

/** The state with one more layer on top, whose key is known without its contents: written, or found in the cache. */
export async function addKeyedLayer(session: BuildSession, state: ImageState, layer: KeyedLayer): Promise<ImageState> {
	const {id, title, key, compression, component, text} = layer;
	const event = {id, title, platform: formatPlatform(state.platform)};
	emit(session.operation, {type: 'step.started', ...event});
	const started = performance.now();
	const cached = session.options.cache === false ? undefined : await session.cache.layer(key);
	const record = cached ?? (await writeKeyed(session, {id, entries: layer.entries(), compression}, key));
	const {digest, size} = record.descriptor;
	if (cached !== undefined) emit(session.operation, {type: 'step.cached', ...event, digest});
	else {
		const elapsedMs = performance.now() - started;
		emit(session.operation, {type: 'step.finished', ...event, digest, sizeBytes: size, elapsedMs});
	}
	const {descriptor} = record;
	const marked = component === undefined ? record : {...record, descriptor: withComponent(descriptor, component)};
	return withLayer(session, state, marked, text);
}
