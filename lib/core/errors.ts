import type {ErrorCode} from './codes.js';

const brand: unique symbol = Symbol.for('sealimage.error');

export interface SealErrorOptions {
	/** One imperative sentence: what the reader should do next. */
	readonly hint?: string | undefined;
	/** JSON-safe facts about the failure. Never secrets. */
	readonly details?: Readonly<Record<string, unknown>> | undefined;
	readonly cause?: unknown;
}

/**
 * The root of every error that sealimage raises on purpose. Callers match on `code`, which is stable across
 * releases; the message is for people: what failed, on what, what was expected and what was found.
 */
export class SealError extends Error {
	readonly code: ErrorCode;
	readonly hint: string | undefined;
	readonly details: Readonly<Record<string, unknown>>;

	constructor(code: ErrorCode, message: string, options: SealErrorOptions = {}) {
		super(message, options.cause === undefined ? undefined : {cause: options.cause});
		this.name = new.target.name;
		this.code = code;
		this.hint = options.hint;
		this.details = options.details ?? {};
		Object.defineProperty(this, brand, {value: true, enumerable: false});
	}

	/** The JSON form shown by `--output json`: no stack, the cause reduced to its message and code. */
	toJSON(): ErrorReport {
		return {
			code: this.code,
			message: this.message,
			...(this.hint === undefined ? {} : {hint: this.hint}),
			...(Object.keys(this.details).length === 0 ? {} : {details: this.details}),
			...(this.cause === undefined ? {} : {cause: describeCause(this.cause)}),
		};
	}
}

export interface ErrorReport {
	readonly code: string;
	readonly message: string;
	readonly hint?: string;
	readonly details?: Readonly<Record<string, unknown>>;
	readonly cause?: ErrorReport;
}

/** True for errors of any copy of sealimage in the process: two installed versions share the brand, not the class. */
export function isSealError(value: unknown): value is SealError {
	return typeof value === 'object' && value !== null && (value as {[brand]?: unknown})[brand] === true;
}

/** True for a `SealError` with this code. */
export function hasCode(value: unknown, code: ErrorCode): boolean {
	return isSealError(value) && value.code === code;
}

/** The `code` of a Node system error ("ENOENT"), or undefined. */
export function systemCode(value: unknown): string | undefined {
	const code = (value as {code?: unknown} | null | undefined)?.code;
	return typeof code === 'string' ? code : undefined;
}

function describeCause(cause: unknown): ErrorReport {
	if (isSealError(cause)) return cause.toJSON();
	if (cause instanceof Error) return {code: systemCode(cause) ?? cause.name, message: cause.message};
	return {code: 'UNKNOWN', message: String(cause)};
}

/** Guards an internal impossibility. A failure is a defect of sealimage, never of its input. */
export function assert(condition: unknown, message: string): asserts condition {
	if (!condition) throw new SealError('ERR_INTERNAL', `Internal error: ${message}`);
}
