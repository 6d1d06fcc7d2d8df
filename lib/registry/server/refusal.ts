/**
 * Every error that the server answers with: the code of the specification (distribution-spec, "Error Codes", and those
 * that docker's registry adds), its status, and what it means when nothing more exact is known.
 */
export const refusals = {
	BLOB_UNKNOWN: {status: 404, message: 'The repository has no such blob'},
	BLOB_UPLOAD_INVALID: {status: 400, message: 'The upload cannot go on like this'},
	BLOB_UPLOAD_UNKNOWN: {status: 404, message: 'There is no such upload in this repository'},
	DENIED: {status: 403, message: 'Access is denied'},
	DIGEST_INVALID: {status: 400, message: 'The digest is malformed, or is not that of the content'},
	MANIFEST_BLOB_UNKNOWN: {status: 400, message: 'The manifest names content that the repository does not have'},
	MANIFEST_INVALID: {status: 400, message: 'The manifest is invalid'},
	MANIFEST_UNKNOWN: {status: 404, message: 'The repository has no such manifest'},
	NAME_INVALID: {status: 400, message: 'The repository name is invalid'},
	NAME_UNKNOWN: {status: 404, message: 'There is no such repository'},
	NOT_FOUND: {status: 404, message: 'There is nothing under this path'},
	PAGINATION_NUMBER_INVALID: {status: 400, message: 'The page size is no number, or is too large'},
	RANGE_INVALID: {status: 416, message: 'The range does not fit'},
	SIZE_INVALID: {status: 400, message: 'The length is not what was announced'},
	TAG_INVALID: {status: 400, message: 'The tag is invalid'},
	TOOMANYREQUESTS: {status: 429, message: 'Too many requests'},
	UNAUTHORIZED: {status: 401, message: 'Authentication is required'},
	UNAVAILABLE: {status: 503, message: 'The registry cannot do this at the moment'},
	UNKNOWN: {status: 500, message: 'The registry failed; its log says why'},
	UNSUPPORTED: {status: 405, message: 'The operation is not supported'},
} as const satisfies Record<string, {readonly status: number; readonly message: string}>;

export type RefusalCode = keyof typeof refusals;

export interface RefusalOptions {
	/** Another status than that of the code. */
	readonly status?: number | undefined;
	readonly detail?: unknown;
	readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** An error as the body of an answer shows it. */
export interface RefusalItem {
	readonly code: RefusalCode;
	readonly message: string;
	readonly detail?: unknown;
}

/** Thrown by any stage of an exchange: the request ends with this status and these errors as JSON. */
export class Refusal extends Error {
	readonly status: number;
	readonly errors: readonly RefusalItem[];
	readonly headers: Readonly<Record<string, string>>;

	constructor(errors: readonly [RefusalItem, ...RefusalItem[]], options: RefusalOptions = {}) {
		super(errors[0].message);
		this.name = 'Refusal';
		this.status = options.status ?? refusals[errors[0].code].status;
		this.errors = errors;
		this.headers = options.headers ?? {};
	}
}

/** A refusal with one error. */
export function refuse(
	code: RefusalCode,
	message: string = refusals[code].message,
	options: RefusalOptions = {},
): Refusal {
	const {detail} = options;
	return new Refusal([{code, message, ...(detail === undefined ? {} : {detail})}], options);
}
