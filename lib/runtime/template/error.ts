import {SealError} from '../../core/errors.js';

/** @param why fits after "cannot be rendered:" */
export function templateError(name: string, line: number, why: string, hint?: string, cause?: unknown): SealError {
	return new SealError('ERR_TEMPLATE', `${name}:${line} cannot be rendered: ${why}`, {
		hint,
		details: {line, name},
		cause,
	});
}
