import type {ArchivedImage} from '../../oci/archive/archive.js';
import type {ImageSource} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {openFile} from './open-file.js';
import {type OpenPlace, type PlaceOptions, repositoryAt, storeOf} from './options.js';
import type {Place} from './parse.js';
import {elsewhere} from './unknown-image.js';

/**
 * Opens a place for reading. Nothing is asked of a registry yet.
 * @throws SealError ERR_LAYOUT_INVALID, ERR_REGISTRY_DIR, ERR_PERMISSION, ERR_IO; TypeError when the options lack what the place needs
 */
export async function openPlace(place: Place, options: PlaceOptions = {}): Promise<OpenPlace> {
	const {signal} = options;
	switch (place.kind) {
		case 'store': {
			const content = await storeOf(options);
			const images = async (): Promise<readonly ArchivedImage[]> => await content.list({facts: false, signal});
			const resolve = async (): Promise<Descriptor> => {
				try {
					return await content.resolve(place.reference, {signal});
				} catch (error) {
					throw elsewhere(error, place.reference);
				}
			};
			return {...opened(place, content, place.reference, signal), images, resolve};
		}
		case 'docker': {
			const {repository, reference} = repositoryAt(place, options);
			return opened(place, repository, reference, signal);
		}
		default:
			return await openFile(place, options);
	}
}

function opened(place: Place, content: ImageSource, reference: string, signal: AbortSignal | undefined): OpenPlace {
	return {
		place,
		content,
		reference,
		resolve: () => content.resolve(reference, {signal}),
		close: async () => {},
	};
}
