import {parse, TomlError} from 'smol-toml';
import {SealError} from './errors.js';

/** A table of a TOML document; keys are in the order of the text. */
export type TomlTable = Readonly<Record<string, unknown>>;

/**
 * A TOML text as plain values. This file is the only one that knows smol-toml.
 * @throws SealError ERR_TOML with `details.line` (1-based) when the text is no TOML
 */
export function parseToml(text: string, name = 'document'): TomlTable {
	try {
		return parse(text, {maxDepth: 32});
	} catch (error) {
		const line = error instanceof TomlError ? error.line : undefined;
		const reason = (error as Error).message.replace(/^Invalid TOML document: /, '').split('\n')[0] ?? '';
		// The error of the parser quotes the text around the place, which may hold a secret.
		throw new SealError('ERR_TOML', `${name}${line === undefined ? '' : `:${line}`} is not valid TOML: ${reason}`, {
			details: {name, ...(line === undefined ? {} : {line})},
		});
	}
}
