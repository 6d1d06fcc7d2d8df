import {SealError} from '../core/errors.js';
import {type Digest, isDigest} from './digest.js';
import type {Platform} from './platform.js';

/** image-spec, config.md: how an image runs and which layers it is made of. Unknown keys are kept. */
export interface ImageConfig extends Platform {
	readonly created?: string | undefined;
	readonly author?: string | undefined;
	readonly config?: RunConfig | undefined;
	readonly rootfs: {readonly type: 'layers'; readonly diff_ids: readonly Digest[]};
	readonly history?: readonly HistoryEntry[] | undefined;
}

export interface RunConfig {
	readonly User?: string | undefined;
	readonly ExposedPorts?: Readonly<Record<string, object>> | undefined;
	readonly Env?: readonly string[] | undefined;
	readonly Entrypoint?: readonly string[] | null | undefined;
	readonly Cmd?: readonly string[] | null | undefined;
	readonly Healthcheck?: Healthcheck | undefined;
	readonly Volumes?: Readonly<Record<string, object>> | undefined;
	readonly WorkingDir?: string | undefined;
	readonly Labels?: Readonly<Record<string, string>> | undefined;
	readonly StopSignal?: string | undefined;
	readonly OnBuild?: readonly string[] | undefined;
	readonly Shell?: readonly string[] | undefined;
}

/** Durations are nanoseconds, as docker writes them. */
export interface Healthcheck {
	readonly Test?: readonly string[];
	readonly Interval?: number;
	readonly Timeout?: number;
	readonly StartPeriod?: number;
	readonly StartInterval?: number;
	readonly Retries?: number;
}

export interface HistoryEntry {
	readonly created?: string | undefined;
	readonly created_by?: string | undefined;
	readonly author?: string | undefined;
	readonly comment?: string | undefined;
	readonly empty_layer?: boolean | undefined;
}

/**
 * Checks what the rest of the library relies on.
 * @throws SealError ERR_MANIFEST_INVALID
 */
export function parseConfig(bytes: Uint8Array, name: string): ImageConfig {
	const value = parseJson(bytes, name) as Partial<ImageConfig>;
	const diffIds = value.rootfs?.diff_ids;
	if (typeof value.architecture !== 'string' || typeof value.os !== 'string')
		throw invalid(name, 'names no os and architecture');
	if (!Array.isArray(diffIds) || !diffIds.every(isDigest))
		throw invalid(name, 'has no list of layer digests (rootfs.diff_ids)');
	return value as ImageConfig;
}

const keyOrder = [
	'created',
	'author',
	'architecture',
	'variant',
	'os',
	'os.version',
	'os.features',
	'config',
	'rootfs',
	'history',
];
const runKeyOrder = [
	'User',
	'ExposedPorts',
	'Env',
	'Entrypoint',
	'Cmd',
	'Healthcheck',
	'Volumes',
	'WorkingDir',
	'Labels',
	'StopSignal',
	'ArgsEscaped',
	'OnBuild',
	'Shell',
];

/** The bytes of a config: keys in the order that Go tools write them, maps sorted, so that equal configs are equal bytes. */
export function formatConfig(config: ImageConfig): Buffer {
	const run = config.config;
	const sorted =
		run === undefined
			? undefined
			: ordered(
					{
						...run,
						ExposedPorts: sortedMap(run.ExposedPorts),
						Volumes: sortedMap(run.Volumes),
						Labels: sortedMap(run.Labels),
					},
					runKeyOrder,
				);
	return Buffer.from(JSON.stringify(ordered({...config, config: sorted}, keyOrder)));
}

function ordered(value: object, order: readonly string[]): object {
	const rank = (key: string): number => (order.includes(key) ? order.indexOf(key) : order.length);
	return Object.fromEntries(
		Object.entries(value)
			.filter(([, item]) => item !== undefined)
			.toSorted(([a], [b]) => rank(a) - rank(b)),
	);
}

function sortedMap<T>(map: Readonly<Record<string, T>> | undefined): Record<string, T> | undefined {
	return map === undefined
		? undefined
		: Object.fromEntries(Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Parses the JSON of a manifest, index or config. @throws SealError ERR_MANIFEST_INVALID */
export function parseJson(bytes: Uint8Array, name: string): object {
	let value: unknown;
	try {
		value = JSON.parse(new TextDecoder('utf-8', {fatal: true}).decode(bytes));
	} catch (error) {
		throw new SealError('ERR_MANIFEST_INVALID', `${name} is not JSON`, {cause: error});
	}
	if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(name, 'is no JSON object');
	return value;
}

function invalid(name: string, what: string): SealError {
	return new SealError('ERR_MANIFEST_INVALID', `The image config ${name} ${what}`);
}
