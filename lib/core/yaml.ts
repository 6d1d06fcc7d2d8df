import {dump, loadAll, YAMLException} from 'js-yaml';
import {SealError} from './errors.js';

/**
 * The documents of a YAML text, empty ones left out. This file is the only one that knows js-yaml.
 * @throws SealError ERR_YAML with `details.line` (1-based) when the text is no YAML.
 */
export function parseYaml(text: string, name = 'document'): unknown[] {
	try {
		return (loadAll(text) as unknown[]).filter(document => document !== null && document !== undefined);
	} catch (error) {
		const mark = error instanceof YAMLException ? (error as {mark?: {line?: number}}).mark : undefined;
		const line = mark?.line === undefined ? undefined : mark.line + 1;
		throw new SealError(
			'ERR_YAML',
			`${name}${line === undefined ? '' : `:${line}`} is not valid YAML: ${reasonOf(error)}`,
			{
				details: {name, ...(line === undefined ? {} : {line})},
				cause: error,
			},
		);
	}
}

/** One value as a YAML document with stable formatting: two spaces, no anchors, keys in their own order. */
export function formatYaml(value: unknown): string {
	return dump(value, {lineWidth: 120, noRefs: true});
}

function reasonOf(error: unknown): string {
	const reason = (error as {reason?: unknown}).reason;
	return typeof reason === 'string' ? reason : (error as Error).message;
}
