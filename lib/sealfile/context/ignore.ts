import {SealError} from '../../core/errors.js';

/** The rules of one or more ignore files, in the order they apply. */
export interface IgnoreRules {
	readonly patterns: readonly string[];
	/** The files they come from, for messages. */
	readonly files: readonly string[];
}

/**
 * Finds and reads the ignore file of a build: `<Sealfile>.dockerignore` alone when there is one, else the first of
 * `.containerignore` and `.dockerignore`, followed by the patterns of `.sealignore`.
 * @throws SealError ERR_PATTERN with the line
 */
export function findIgnoreRules(contextDir: string, _sealfilePath?: string): IgnoreRules {
	throw new SealError('ERR_PATTERN', `No ignore rules in ${contextDir}`);
}
