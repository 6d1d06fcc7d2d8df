import type {ErrorCode} from '../../core/codes.js';
import {SealError, type SealErrorOptions} from '../../core/errors.js';

/** Something that failed on, or on the way to, one host. The message does not repeat the host's name: reports put it in front. */
export class HostError extends SealError {
	readonly host: string;

	constructor(host: string, code: ErrorCode, message: string, options: SealErrorOptions = {}) {
		super(code, message, {...options, details: {host, ...options.details}});
		this.host = host;
	}
}
