import {hasCode} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import type {ArchivedImage, ImageArchive} from '../../oci/archive/archive.js';
import {openLayoutDir} from '../../oci/archive/layout-dir.js';
import {openDockerArchive, openOciArchive} from '../../oci/archive/open.js';
import {isDigest} from '../../oci/digest.js';
import {parseReference} from '../../oci/reference.js';
import {type DirRepository, openRegistryDir, type RegistryDir} from '../storage/stock/registry-dir.js';
import {type OpenPlace, type PlaceOptions, pathOf, storeOf} from './options.js';
import type {FilePlace} from './parse.js';
import {listed} from './unknown-image.js';

/** Opens a place in a file or folder for reading. @throws SealError as `openPlace` */
export async function openFile(place: FilePlace, options: PlaceOptions): Promise<OpenPlace> {
	const {signal} = options;
	const path = pathOf(place, options);
	if (place.kind === 'registry-dir') return await openDir(place, path, options);
	const archive = await openArchiveAt(place, path, options);
	const reference = place.reference ?? '';
	const images = async (): Promise<readonly ArchivedImage[]> => await archive.images();
	return {
		place,
		content: archive,
		reference,
		images,
		async resolve() {
			try {
				return await archive.resolve(reference, {signal});
			} catch (error) {
				throw await listed(error, place, path, images);
			}
		},
		close: archive.close,
	};
}

async function openArchiveAt(place: FilePlace, path: string, options: PlaceOptions): Promise<ImageArchive> {
	const {signal, onEvent} = options;
	if (place.kind === 'oci') return await openLayoutDir(path, {signal, onEvent});
	const open = place.kind === 'oci-archive' ? openOciArchive : openDockerArchive;
	return await open(path, {tempDir: await tempDirOf(options), signal});
}

/** With a name the place is one repository of the folder, and can list and delete as that can. */
async function openDir(place: FilePlace, path: string, options: PlaceOptions): Promise<OpenPlace> {
	const {signal, onEvent} = options;
	const dir = await openRegistryDir(path, {signal, onEvent});
	const name = place.reference ?? '';
	const repository = await repositoryIn(dir, name, {signal}).catch(async (error: unknown) => {
		await dir.close();
		throw error;
	});
	const content = repository === undefined ? dir : {...dir, ...repository};
	const {digest, tag = 'latest'} = name === '' ? {} : parseReference(name);
	const reference = repository === undefined ? name : (digest ?? tag);
	const images = (): Promise<readonly ArchivedImage[]> => dir.images();
	return {
		place,
		content,
		reference,
		images,
		async resolve() {
			try {
				return await content.resolve(reference, {signal});
			} catch (error) {
				throw await listed(error, place, path, images);
			}
		},
		close: dir.close,
	};
}

async function repositoryIn(dir: RegistryDir, name: string, options: Abortable): Promise<DirRepository | undefined> {
	if (name === '' || isDigest(name)) return undefined;
	try {
		return await dir.repository(repositoryName(name), options);
	} catch (error) {
		if (hasCode(error, 'ERR_IMAGE_UNKNOWN')) return undefined;
		throw error;
	}
}

function repositoryName(name: string): string {
	return name.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
}

async function tempDirOf(options: PlaceOptions): Promise<string> {
	return options.tempDir ?? (await storeOf(options)).tempDir;
}
