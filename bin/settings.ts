import {readFileSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {closest} from '../lib/core/closest.js';
import {systemCode} from '../lib/core/errors.js';
import {colorModes, type GlobalValues, outputFormats, progressModes} from './global-flags.js';
import type {Io} from './io.js';
import {UsageError} from './usage-error.js';

/** One setting: its value and who set it (`--root`, `SEALIMAGE_ROOT`, the path of the configuration file, `default`). */
export interface Setting<T> {
	readonly value: T;
	readonly origin: string;
}

export interface Settings {
	/** The absolute path of the image store. */
	readonly root: Setting<string>;
	readonly output: Setting<(typeof outputFormats)[number]>;
	readonly progress: Setting<(typeof progressModes)[number]>;
	readonly color: Setting<(typeof colorModes)[number]>;
	/** How much work a build does at once. */
	readonly jobs: Setting<number>;
	/** Whose word counts for the certificates of servers. */
	readonly trust: Setting<(typeof trustModes)[number]>;
	/** How layers are compressed, as `--compression` of build takes it. */
	readonly compression: Setting<string>;
	/** `npm`, or the folder that the agent for hosts is taken from. */
	readonly agent: Setting<string>;
	/** The absolute path of the folder that keeps what is known of clusters. */
	readonly clusters: Setting<string>;
}

const trustModes = ['system', 'bundled'] as const;

/** What each setting is, for `docs/cli.md`. The environment variable is SEALIMAGE_ and the name in capitals. */
export const settingHelp: Readonly<Record<keyof Settings, string>> = {
	root: 'The folder of the image store.',
	output: 'The format of results: text or json.',
	progress: 'How progress is shown: auto, tty, plain, json or none.',
	color: 'When colours are used: auto, always or never.',
	jobs: 'How many pieces of work a build does at once; the number of processors by default.',
	trust:
		'The authorities that may sign certificates of registries: system (those of this machine and of Node) or bundled (those of Node alone).',
	compression: 'How a build compresses layers: auto, or gzip, gzip-stable, zstd or none with an optional :level.',
	agent: 'Where the agent for hosts comes from: npm (with a cache), or a folder that "agent fetch --to" made.',
	clusters: 'The folder that keeps what is known of clusters, and the logs of what was done to them.',
};

/** `$XDG_CONFIG_HOME/sealimage/config.yaml`, or `~/.config/sealimage/config.yaml`. */
export function configPath(io: Io): string {
	return join(baseFolder(io, 'XDG_CONFIG_HOME', '.config'), 'sealimage', 'config.yaml');
}

/** `$XDG_CACHE_HOME/sealimage`, or `~/.cache/sealimage`: what may be deleted at any time. */
export function cacheFolder(io: Io): string {
	return join(baseFolder(io, 'XDG_CACHE_HOME', '.cache'), 'sealimage');
}

/**
 * Flags come before SEALIMAGE_* variables, those before the configuration file, those before defaults.
 * @throws UsageError for a value that a setting cannot have, or an unknown key in the file.
 */
export async function resolveSettings(flags: Partial<GlobalValues>, io: Io): Promise<Settings> {
	const path = configPath(io);
	const file = await readConfig(path);
	const find = (name: keyof Settings, flag: string | undefined): Setting<string> | undefined => {
		if (flag !== undefined) return {value: flag, origin: `--${name}`};
		const variable = `SEALIMAGE_${name.toUpperCase()}`;
		const fromEnv = io.env[variable];
		if (fromEnv !== undefined && fromEnv !== '') return {value: fromEnv, origin: variable};
		const fromFile = file[name];
		return fromFile === undefined ? undefined : {value: fromFile, origin: path};
	};
	const root = find('root', flags.root);
	const clusters = find('clusters', undefined);
	return {
		root:
			root === undefined
				? {value: join(baseFolder(io, 'XDG_DATA_HOME', '.local', 'share'), 'sealimage'), origin: 'default'}
				: {...root, value: resolve(io.cwd, root.value)},
		output: oneOf(find('output', flags.output), outputFormats, 'text'),
		progress: oneOf(find('progress', flags.progress), progressModes, 'auto'),
		color: oneOf(find('color', flags.color), colorModes, 'auto'),
		jobs: positive(find('jobs', undefined), io.processors),
		trust: oneOf(find('trust', undefined), trustModes, 'system'),
		compression: find('compression', undefined) ?? {value: 'auto', origin: 'default'},
		agent: find('agent', undefined) ?? {value: 'npm', origin: 'default'},
		clusters:
			clusters === undefined
				? {value: join(io.home, '.sealimage', 'clusters'), origin: 'default'}
				: {...clusters, value: resolve(io.cwd, clusters.value)},
	};
}

function baseFolder(io: Io, variable: string, ...fallback: readonly string[]): string {
	const value = io.env[variable];
	// The XDG specification: a relative path in these variables is invalid and is to be ignored.
	return value?.startsWith('/') === true ? value : join(io.home, ...fallback);
}

async function readConfig(path: string): Promise<Readonly<Partial<Record<keyof Settings, string>>>> {
	let text: string;
	try {
		text = readFileSync(path, 'utf8');
	} catch (error) {
		if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return {};
		throw new UsageError(`The configuration file ${path} cannot be read`, {cause: error});
	}
	const {parseYaml} = await import('../lib/core/yaml.js');
	let documents: unknown[];
	try {
		documents = parseYaml(text, path);
	} catch (error) {
		throw new UsageError((error as Error).message, {code: 'ERR_YAML'});
	}
	const [document = {}, more] = documents;
	if (more !== undefined || typeof document !== 'object' || document === null || Array.isArray(document))
		throw new UsageError(`The configuration file ${path} is not one map of settings`);
	const known = Object.keys(settingHelp);
	for (const [key, value] of Object.entries(document)) {
		if (!known.includes(key)) {
			const meant = closest(key, known);
			throw new UsageError(`The configuration file ${path} has the unknown setting "${key}"`, {
				hint: meant === undefined ? `Use one of ${known.join(', ')}.` : `Did you mean "${meant}"?`,
			});
		}
		if (typeof value !== 'string' && typeof value !== 'number')
			throw new UsageError(`The setting "${key}" in ${path} is neither a text nor a number`);
	}
	return Object.fromEntries(Object.entries(document).map(([key, value]) => [key, String(value)]));
}

function oneOf<const T extends string>(
	setting: Setting<string> | undefined,
	choices: readonly T[],
	fallback: T,
): Setting<T> {
	if (setting === undefined) return {value: fallback, origin: 'default'};
	const value = choices.find(choice => choice === setting.value);
	if (value !== undefined) return {value, origin: setting.origin};
	throw new UsageError(`${setting.origin} is one of ${choices.join(', ')}, found "${setting.value}"`);
}

function positive(setting: Setting<string> | undefined, fallback: number): Setting<number> {
	if (setting === undefined) return {value: fallback, origin: 'default'};
	if (/^[1-9]\d{0,3}$/.test(setting.value)) return {value: Number(setting.value), origin: setting.origin};
	throw new UsageError(`${setting.origin} is a whole number from 1 on, found "${setting.value}"`);
}
