import type {UnpackedImage, UnpackRequest} from '../../content/content.js';
import {openHostContent} from '../../content/open.js';
import {digestIn, fieldsOf, listIn, numberIn, textIn} from '../params.js';
import type {AgentVerb} from '../protocol.js';

/** An image that has more was made to exhaust the host. */
const maxLayers = 10_000;
const maxNameChars = 1024;

/** Makes the tree of an image out of the blobs on this host. */
export const unpack: AgentVerb<UnpackRequest, UnpackedImage> = {
	name: 'unpack',
	parse(params) {
		const fields = fieldsOf(params, 'params');
		return {
			name: textIn(fields, 'name', maxNameChars),
			manifest: digestIn(fields, 'manifest'),
			layers: listIn(fields, 'layers', maxLayers, parseLayer),
			keepBlobs: fields.keepBlobs === true,
		};
	},
	run: (request, {root, signal, event}) => openHostContent(root).unpack(request, {signal, onEvent: event}),
};

function parseLayer(value: unknown): UnpackRequest['layers'][number] {
	const fields = fieldsOf(value, 'layers');
	return {
		blob: digestIn(fields, 'blob'),
		diffId: digestIn(fields, 'diffId'),
		mediaType: textIn(fields, 'mediaType', 256),
		sizeBytes: numberIn(fields, 'sizeBytes', Number.MAX_SAFE_INTEGER),
	};
}
