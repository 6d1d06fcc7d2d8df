import type {ErrorCode} from '../lib/core/codes.js';
import {isSealError, SealError, type SealErrorOptions} from '../lib/core/errors.js';

/** The command line or the configuration is wrong: exit code 2, and nothing was done yet. */
export class UsageError extends SealError {
	constructor(message: string, options: SealErrorOptions & {readonly code?: ErrorCode} = {}) {
		super(options.code ?? 'ERR_USAGE', message, options);
	}
}

/**
 * Runs a reader of one argument (`parsePlatform`, `parseReference`) and turns its refusal into a usage error that says
 * which argument it was. The code of the refusal is kept.
 * @throws UsageError
 */
export function readArgument<T>(name: string, read: () => T): T {
	try {
		return read();
	} catch (error) {
		if (!isSealError(error)) throw error;
		throw new UsageError(`${name}: ${error.message}`, {code: error.code, hint: error.hint, details: error.details});
	}
}
