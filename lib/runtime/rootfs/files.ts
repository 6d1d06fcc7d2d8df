import {dirname, join} from 'node:path';
import type {ClusterSetting, ImageFile, SettingHost} from '../lifecycle/setting.js';
import {rootfsPlace} from './places.js';
import {stageSources} from './sources.js';
import {templatesAmong} from './templates.js';

/** What will be in the working copy of the rootfs on a host: patches laid over it, and what Configs and templates make. */
export interface RootfsFiles {
	/** The plain file that a path means, by way of links within the image; undefined when there is none. */
	file(path: string): ImageFile | undefined;
	/** Plain files right in a folder, and what links there lead to, by their names, sorted. */
	filesIn(folder: string): ReadonlyMap<string, ImageFile>;
}

/** The same object for all hosts of a platform: thousands of them share it. @throws SealError ERR_IMAGE_UNKNOWN without a rootfs */
export function rootfsFiles(setting: ClusterSetting, host: SettingHost): RootfsFiles {
	const byPlatform = known.get(setting) ?? new Map<string, RootfsFiles>();
	const found = byPlatform.get(host.platform) ?? readFiles(setting, host);
	known.set(setting, byPlatform.set(host.platform, found));
	return found;
}

const known = new WeakMap<ClusterSetting, Map<string, RootfsFiles>>();

function readFiles(setting: ClusterSetting, host: SettingHost): RootfsFiles {
	const {images, configs} = stageSources(setting, host, rootfsPlace);
	const files = new Map<string, ImageFile>();
	for (const image of images) for (const file of image.files[host.platform] ?? []) files.set(file.path, file);
	for (const {path} of configs) if (!files.has(path)) files.set(path, {path, kind: 'file', mode: 0o644, sizeBytes: 0});
	for (const [path, target] of templatesAmong(files.keys())) {
		const template = files.get(path);
		if (template?.kind === 'file') files.set(target, {...template, path: target});
	}
	return {
		file: path => resolve(files, path),
		filesIn(folder) {
			const names = [...files.keys()].filter(path => dirname(path) === folder).toSorted();
			return new Map(
				names.flatMap(path => {
					const file = resolve(files, path);
					return file === undefined ? [] : [[path.slice(folder.length + 1), file] as const];
				}),
			);
		},
	};
}

const maxLinks = 8;

function resolve(files: ReadonlyMap<string, ImageFile>, path: string): ImageFile | undefined {
	let found = files.get(path);
	for (let links = 0; found?.kind === 'link' && links < maxLinks; links++) {
		const target = found.target ?? '';
		// A link to a place in the image may be written as seen from its root.
		found = files.get(target.startsWith('/') ? target.slice(1) : join(dirname(found.path), target));
	}
	return found?.kind === 'file' ? found : undefined;
}
