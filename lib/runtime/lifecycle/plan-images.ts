import {assert} from '../../core/errors.js';
import type {Digest} from '../../oci/digest.js';
import type {ActionInputs} from './actions.js';
import type {ClusterImage, ClusterSetting, SettingHost} from './setting.js';

/** The trees that lie over each other on every host: the rootfs, then patches. */
export function baseImages({images}: ClusterSetting): readonly ClusterImage[] {
	return [...images.filter(({type}) => type === 'rootfs'), ...images.filter(({type}) => type === 'patch')];
}

export function applicationImages({images}: ClusterSetting): readonly ClusterImage[] {
	return images.filter(({type}) => type === 'application');
}

/** What a host gets. Applications are on all masters, so that any of them can run them and serve what they embed. */
export function imagesFor(setting: ClusterSetting, host: SettingHost): readonly ClusterImage[] {
	return host.isMaster ? [...baseImages(setting), ...applicationImages(setting)] : baseImages(setting);
}

/** Names with what they are on the platform of the host. */
export function variantsFor(
	images: readonly ClusterImage[],
	{name: host, platform}: SettingHost,
): ActionInputs['content']['images'] {
	return images.map(({name, platforms}) => {
		const variant = Object.hasOwn(platforms, platform) ? platforms[platform] : undefined;
		assert(variant !== undefined, `${name} was checked to be there for ${platform}, the platform of ${host}`);
		return {name, manifest: variant.manifest};
	});
}

/** Lines that an image brings, ENTRYPOINT before CMD. */
export function linesOf({entrypoint, command}: ClusterImage): readonly string[] {
	return [...entrypoint, ...command];
}

export function digestsOf(variants: ActionInputs['content']['images']): readonly Digest[] {
	return variants.map(({manifest}) => manifest);
}
