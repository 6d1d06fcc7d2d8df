import {SealError} from '../../core/errors.js';
import {parseYaml, printYaml} from '../../core/yaml.js';
import {normalizeReference} from '../../oci/reference.js';

/** A change of one file of an image, made before the image reaches hosts. */
export interface ConfigDocument {
	/** For people; may be empty. */
	readonly name: string;
	/** The image that it is for, by its name; empty for every image. */
	readonly match: string;
	/** Of the file, below the root of the image. */
	readonly path: string;
	readonly strategy: ConfigStrategy;
	readonly data: string;
}

export const configStrategies = ['override', 'merge', 'insert', 'append'] as const;

/** `override`: the data is the file. `merge`: YAML, deep, the data counts more. `insert` and `append`: before and behind what is there. */
export type ConfigStrategy = (typeof configStrategies)[number];

/**
 * Whether a Config is for an image. Names are compared as they are meant: `redis:v7` is `docker.io/library/redis:v7`.
 * @param image its full name
 */
export function isMeantFor({match}: Pick<ConfigDocument, 'match'>, image: string): boolean {
	if (match === '' || match === image) return true;
	try {
		return normalizeReference(match) === image;
	} catch {
		return false;
	}
}

/**
 * The file with the change made; done again on the original file, it gives the same.
 * @param content of the file in the image; undefined when it is not there
 * @throws SealError ERR_CONFIG_DOCUMENT when file or data cannot be merged, ERR_YAML
 */
export function applyConfig(content: string | undefined, {strategy, data, path}: ConfigDocument): string {
	switch (strategy) {
		case 'override':
			return data;
		case 'insert':
			return content === undefined ? data : `${withNewline(data)}${content}`;
		case 'append':
			return content === undefined ? data : `${withNewline(content)}${data}`;
		case 'merge':
			return content === undefined ? data : mergeYaml(content, data, path);
	}
}

function withNewline(text: string): string {
	return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** Documents are merged with those in the same place; more of them are added. */
function mergeYaml(content: string, data: string, path: string): string {
	const below = parseYaml(content, path);
	const above = parseYaml(data, `the data for ${path}`);
	const merged = Array.from({length: Math.max(below.length, above.length)}, (_, index) => {
		if (index >= above.length) return below[index];
		if (index >= below.length) return above[index];
		if (isMap(below[index]) && isMap(above[index])) return mergeMaps(below[index], above[index]);
		throw new SealError('ERR_CONFIG_DOCUMENT', `The data for ${path} cannot be merged: one of them is no map`, {
			hint: 'Use the strategy override.',
		});
	});
	return printYaml(merged);
}

type YamlMap = Readonly<Record<string, unknown>>;

function mergeMaps(below: YamlMap, above: YamlMap): YamlMap {
	const merged = new Map(Object.entries(below));
	for (const [key, value] of Object.entries(above)) {
		const before = merged.get(key);
		merged.set(key, isMap(before) && isMap(value) ? mergeMaps(before, value) : value);
	}
	return Object.fromEntries(merged);
}

function isMap(value: unknown): value is YamlMap {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
