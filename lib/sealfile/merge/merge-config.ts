import {isDeepStrictEqual} from 'node:util';
import {SealError} from '../../core/errors.js';
import type {RunConfig} from '../../oci/config.js';
import {commandLines, hookNames, labelPrefixes, readImageFacts} from '../../oci/image-type.js';
import {type Claim, type MergeConflict, type OnConflict, settle} from './conflict.js';

/** One of the images that are merged. */
export interface ConfigPart {
	readonly image: string;
	readonly config: RunConfig;
}

/** Labels that say what a rootfs is and does; in another image they mean something else, or nothing. */
const rootfsLabels: ReadonlySet<string> = new Set([
	...hookNames,
	'version',
	'image',
	'vip',
	...labelPrefixes.flatMap(prefix => [`${prefix}type`, `${prefix}version`, `${prefix}distribution`]),
]);

const settings = ['User', 'WorkingDir', 'Healthcheck', 'StopSignal', 'Shell'] as const;

/**
 * The run config of several images as one: labels, variables, volumes and ports of all, ENTRYPOINT and CMD one after the
 * other (each element is a command line). When one image is a rootfs, only its hooks and versions count.
 * @throws SealError ERR_MERGE_CONFLICT for two rootfs images, ERR_IMAGE_TYPE
 */
export function mergeConfigs(
	parts: readonly ConfigPart[],
	onConflict: OnConflict,
	report: (conflict: MergeConflict) => void,
): RunConfig {
	const labels = mergeLabels(parts, onConflict, report);
	const env = mergeEnv(parts, onConflict, report);
	const merged: Record<string, unknown> = {
		...fieldsOf(parts, onConflict, report),
		...whenFilled('Env', env),
		...whenFilled('Entrypoint', mergeCommands(parts, 'Entrypoint')),
		...whenFilled('Cmd', mergeCommands(parts, 'Cmd')),
		...whenFilled(
			'OnBuild',
			parts.flatMap(({config}) => config.OnBuild ?? []),
		),
	};
	for (const key of ['Volumes', 'ExposedPorts'] as const) {
		const union = Object.assign({}, ...parts.map(({config}) => config[key] ?? {})) as Record<string, object>;
		if (Object.keys(union).length > 0) merged[key] = union;
	}
	if (Object.keys(labels).length > 0) merged.Labels = labels;
	return merged as RunConfig;
}

function mergeLabels(
	parts: readonly ConfigPart[],
	onConflict: OnConflict,
	report: (conflict: MergeConflict) => void,
): Record<string, string> {
	const roots = parts.filter(({config}) => readImageFacts(config.Labels).type === 'rootfs');
	const [rootfs, second] = roots;
	if (rootfs !== undefined && second !== undefined) {
		throw new SealError(
			'ERR_MERGE_CONFLICT',
			`${roots.map(({image}) => image).join(' and ')} are rootfs images, and a cluster has one`,
			{hint: 'Merge one of them with applications and patches.', details: {images: roots.map(({image}) => image)}},
		);
	}
	const claims = new Map<string, Claim<string>[]>();
	for (const part of parts) {
		for (const [label, value] of Object.entries(part.config.Labels ?? {})) {
			if (rootfs !== undefined && part !== rootfs && rootfsLabels.has(label)) continue;
			claims.set(label, [...(claims.get(label) ?? []), {image: part.image, value}]);
		}
	}
	return settleAll(claims, 'label', onConflict, report);
}

function mergeEnv(
	parts: readonly ConfigPart[],
	onConflict: OnConflict,
	report: (conflict: MergeConflict) => void,
): string[] {
	const claims = new Map<string, Claim<string>[]>();
	for (const {image, config} of parts) {
		for (const entry of config.Env ?? []) {
			const equals = entry.indexOf('=');
			const name = equals === -1 ? entry : entry.slice(0, equals);
			const others = (claims.get(name) ?? []).filter(claim => claim.image !== image);
			claims.set(name, [...others, {image, value: equals === -1 ? '' : entry.slice(equals + 1)}]);
		}
	}
	return Object.entries(settleAll(claims, 'env', onConflict, report)).map(([name, value]) => `${name}=${value}`);
}

function settleAll(
	claims: ReadonlyMap<string, readonly Claim<string>[]>,
	kind: 'label' | 'env',
	onConflict: OnConflict,
	report: (conflict: MergeConflict) => void,
): Record<string, string> {
	const entries = [...claims].map(([name, own]) => [
		name,
		settle(
			own,
			(a, b) => a === b,
			onConflict,
			images => report({kind, name, images}),
		),
	]);
	return Object.fromEntries(entries) as Record<string, string>;
}

/**
 * Command lines one after the other. The shell form is stored as `/bin/sh -c LINE`; among others only the line counts.
 * A single image keeps its command as it is.
 */
function mergeCommands(parts: readonly ConfigPart[], key: 'Entrypoint' | 'Cmd'): readonly string[] {
	const commands = parts.map(({config}) => config[key] ?? []).filter(command => command.length > 0);
	return commands.length === 1 ? (commands[0] as readonly string[]) : commands.flatMap(commandLines);
}

function fieldsOf(
	parts: readonly ConfigPart[],
	onConflict: OnConflict,
	report: (conflict: MergeConflict) => void,
): Record<string, unknown> {
	const result: Record<string, unknown> = {};
	for (const name of settings) {
		const claims = parts.flatMap(({image, config}): Claim<unknown>[] => {
			const value = config[name];
			return value === undefined || value === '' ? [] : [{image, value}];
		});
		if (claims.length > 0)
			result[name] = settle(claims, isDeepStrictEqual, onConflict, images => report({kind: 'setting', name, images}));
	}
	return result;
}

function whenFilled(key: string, list: readonly string[]): Record<string, readonly string[]> {
	return list.length === 0 ? {} : {[key]: list};
}
