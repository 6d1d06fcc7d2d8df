import {SealError} from '../../core/errors.js';
import type {Digest} from '../../oci/digest.js';
import {type Environment, environmentOf} from '../application/environment.js';
import {type ConfigDocument, isMeantFor} from '../cluster/config-document.js';
import type {ClusterImage, ClusterSetting, SettingHost} from '../lifecycle/setting.js';
import {digestOfValue} from '../plan/plan.js';
import {applicationPlace, type Place, rootfsPlace} from './places.js';

/** What a working copy on a host is made from. */
export interface StageSources {
	/** The later over the earlier. */
	readonly images: readonly ClusterImage[];
	/** In the order in which they are applied: those of the images, then those of the user. */
	readonly configs: readonly ConfigDocument[];
	readonly env: Environment;
}

/** @throws SealError ERR_IMAGE_UNKNOWN when the setting has no image for the place */
export function stageSources(setting: ClusterSetting, host: SettingHost, place: Place): StageSources {
	const images = imagesAt(setting, place);
	if (images.length === 0) {
		throw new SealError('ERR_IMAGE_UNKNOWN', `No image of the cluster is for ${place}`, {
			hint: 'Name a rootfs image first.',
		});
	}
	// An application stands on the rootfs and has its variables too, as its lines do.
	const below = place === rootfsPlace ? [] : imagesAt(setting, rootfsPlace);
	const configs = [
		...images.flatMap(image => image.configs.filter(config => isMeantFor(config, image.name))),
		...setting.configs.filter(config => images.some(({name}) => isMeantFor(config, name))),
	];
	return {images, configs, env: environmentOf(setting, host, images, below)};
}

/**
 * The digest of Configs and variables that go into a working copy: with the manifests of its images, all that makes it what it is.
 * @throws SealError ERR_IMAGE_UNKNOWN
 */
export function stageDigest(setting: ClusterSetting, host: SettingHost, place: Place): Digest {
	const {configs, env} = stageSources(setting, host, place);
	return digestOfValue({configs, env});
}

/** The place that an image's files are at on hosts: patches are laid over the rootfs. */
export function placeOf({name, type}: Pick<ClusterImage, 'name' | 'type'>): Place {
	return type === 'application' ? applicationPlace(name) : rootfsPlace;
}

/** The rootfs and the patches over it, or one application. */
function imagesAt({images}: ClusterSetting, place: Place): readonly ClusterImage[] {
	return images.filter(image => placeOf(image) === place);
}
