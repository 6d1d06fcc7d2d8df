import type {ErrorCode} from '../../core/codes.js';
import {SealError, type SealErrorOptions} from '../../core/errors.js';

/** What a registry says in the body of an error (distribution-spec, "Error Codes"). */
export interface RegistryErrorItem {
	readonly code: string;
	readonly message: string;
}

export interface RegistryErrorOptions extends SealErrorOptions {
	readonly method?: string;
	readonly url?: string;
	readonly status?: number;
	readonly errors?: readonly RegistryErrorItem[];
	/** Whether the same request may succeed later. */
	readonly temporary?: boolean;
	/** What the registry asked for in Retry-After. */
	readonly retryAfterMs?: number | undefined;
}

/** A failed exchange with a registry. URLs are shown without query and user: signed links are secrets. */
export class RegistryError extends SealError {
	readonly method: string | undefined;
	readonly url: string | undefined;
	readonly status: number | undefined;
	readonly errors: readonly RegistryErrorItem[];
	readonly temporary: boolean;
	readonly retryAfterMs: number | undefined;

	constructor(code: ErrorCode, message: string, options: RegistryErrorOptions = {}) {
		const {method, status, errors = []} = options;
		const url = options.url === undefined ? undefined : shownUrl(options.url);
		const facts = {method, url, status, ...(errors.length === 0 ? {} : {errors})};
		const known = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined));
		super(code, message, {...options, details: {...known, ...options.details}});
		this.method = method;
		this.url = url;
		this.status = status;
		this.errors = errors;
		this.temporary = options.temporary ?? false;
		this.retryAfterMs = options.retryAfterMs;
	}
}

/** A URL for people: scheme, host and path only. */
export function shownUrl(text: string): string {
	try {
		const url = new URL(text);
		return `${url.protocol}//${url.host}${url.pathname}`;
	} catch {
		return '(malformed URL)';
	}
}
