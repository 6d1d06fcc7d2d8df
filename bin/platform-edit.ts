import type {PlatformEdit} from '../lib/oci/index-edit.js';
import type {Flags, FlagValues} from './command.js';
import {readPairs} from './key-values.js';

/** What `manifest add` and `manifest annotate` can say about an image; names are buildah's. */
export const platformEditFlags = {
	os: {type: 'string', value: 'OS', help: 'the operating system, instead of what the image says'},
	arch: {type: 'string', value: 'ARCH', help: 'the architecture, instead of what the image says'},
	variant: {type: 'string', value: 'VARIANT', help: 'the variant of the architecture'},
	'os-version': {type: 'string', value: 'VERSION', help: 'the version of the operating system'},
	'os-features': {
		type: 'list',
		separator: ',',
		value: 'FEATURE',
		help: 'features that the image needs of the operating system',
	},
	annotation: {type: 'list', value: 'NAME=VALUE', help: 'an annotation of the entry'},
} as const satisfies Flags;

export function readPlatformEdit(flags: FlagValues<typeof platformEditFlags>): PlatformEdit {
	return {
		...(flags.os === undefined ? {} : {os: flags.os}),
		...(flags.arch === undefined ? {} : {architecture: flags.arch}),
		...(flags.variant === undefined ? {} : {variant: flags.variant}),
		...(flags['os-version'] === undefined ? {} : {osVersion: flags['os-version']}),
		...(flags['os-features'].length === 0 ? {} : {osFeatures: flags['os-features']}),
		...(flags.annotation.length === 0 ? {} : {annotations: readPairs('--annotation', flags.annotation)}),
	};
}
