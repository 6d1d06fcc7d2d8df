import type {ClusterImage, ClusterSetting, SettingHost} from '../lifecycle/setting.js';
import {type Environment, environmentOf} from './environment.js';

/** The shell lines of an image in the order in which they run. */
export function linesOf({entrypoint, command}: Pick<ClusterImage, 'entrypoint' | 'command'>): readonly string[] {
	return [...entrypoint, ...command];
}

/** What the lines of an application are run with on a host: its own variables over those of rootfs and patches, which it runs beside. */
export function lineEnvironment(setting: ClusterSetting, host: SettingHost, image: ClusterImage): Environment {
	return environmentOf(
		setting,
		host,
		[image],
		setting.images.filter(({type}) => type !== 'application'),
	);
}
