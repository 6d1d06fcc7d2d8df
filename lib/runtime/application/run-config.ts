import {SealError} from '../../core/errors.js';
import type {RunConfig} from '../../oci/config.js';
import {commandLines} from '../../oci/image-type.js';

/** What the config of an image says that a cluster goes by. */
export interface ClusterRunConfig {
	readonly labels: Readonly<Record<string, string>>;
	/** Without PATH: that of the host counts. */
	readonly env: Readonly<Record<string, string>>;
	readonly entrypoint: readonly string[];
	readonly command: readonly string[];
}

const limits = {entries: 5000, lines: 1000, chars: 1024 * 1024, lineChars: 64 * 1024} as const;

/**
 * Reads labels, variables and command lines of a config, which is whatever its maker wrote.
 * @param shown the image, for errors
 * @throws SealError ERR_CLUSTER_IMAGE
 */
export function readRunConfig(config: RunConfig | null | undefined, shown: string): ClusterRunConfig {
	const {Labels, Env, Entrypoint, Cmd} = (config ?? {}) as Readonly<Record<string, unknown>>;
	return {
		labels: readLabels(Labels, shown),
		env: readEnv(textsOf(Env, 'Env', shown)),
		entrypoint: readLines(Entrypoint, 'Entrypoint', shown),
		command: readLines(Cmd, 'Cmd', shown),
	};
}

/** An error of an image that is none for a cluster. */
export function badImage(shown: string, why: string, hint?: string): SealError {
	return new SealError('ERR_CLUSTER_IMAGE', `The image ${shown} cannot be used in a cluster: ${why}`, {
		hint: hint ?? 'Build it anew, or ask who made it.',
		details: {image: shown},
	});
}

function readLabels(value: unknown, shown: string): Readonly<Record<string, string>> {
	if (value === undefined || value === null) return {};
	const entries = typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : undefined;
	if (entries?.every(([, text]) => typeof text === 'string') !== true)
		throw badImage(shown, 'its labels are no map of texts');
	checkSize(entries.flat() as string[], 'Labels', shown);
	return Object.fromEntries(entries) as Record<string, string>;
}

function readEnv(lines: readonly string[]): Readonly<Record<string, string>> {
	const pairs = lines.map((line): [string, string] => {
		const equals = line.indexOf('=');
		return equals === -1 ? [line, ''] : [line.slice(0, equals), line.slice(equals + 1)];
	});
	return Object.fromEntries(pairs.filter(([name]) => name !== 'PATH' && name !== ''));
}

function readLines(value: unknown, field: string, shown: string): readonly string[] {
	const lines = commandLines(textsOf(value, field, shown)).filter(line => line.trim() !== '');
	if (lines.length > limits.lines) throw badImage(shown, `its ${field} has more than ${limits.lines} lines`);
	const long = lines.findIndex(line => line.length > limits.lineChars);
	if (long >= 0) throw badImage(shown, `line ${long + 1} of its ${field} has more than ${limits.lineChars} characters`);
	return lines;
}

function textsOf(value: unknown, field: string, shown: string): readonly string[] {
	if (value === undefined || value === null) return [];
	if (!Array.isArray(value) || !value.every(item => typeof item === 'string'))
		throw badImage(shown, `its ${field} is no list of texts`);
	checkSize(value, field, shown);
	return value;
}

function checkSize(texts: readonly string[], field: string, shown: string): void {
	const chars = texts.reduce((sum, text) => sum + text.length, 0);
	if (texts.length > limits.entries || chars > limits.chars)
		throw badImage(shown, `its ${field} is longer than ${limits.entries} entries or ${limits.chars} characters`);
	// No process takes one in its environment or its arguments.
	if (texts.some(text => text.includes('\0'))) throw badImage(shown, `its ${field} holds a NUL character`);
}
