import type {ErrorCode} from '../../core/codes.js';
import type {HttpResponse} from '../../core/http.js';
import {RegistryError, type RegistryErrorItem} from './error.js';
import {describeRateLimit, describeTime, parseRateLimit} from './rate-limit.js';
import {parseRetryAfter, temporaryStatuses} from './retry.js';

/** Longer explanations are not read. */
const maxErrorBytes = 64 * 1024;
const maxItems = 10;

export interface Asker {
	/** The credentials that were used, in words. */
	readonly who?: string | undefined;
	/** The registry that sent us on to another host, which is the one that answers. */
	readonly sentBy?: string | undefined;
}

/** The error of an answer that is no success. Reads the body, or gives it up. */
export async function responseError(
	response: HttpResponse,
	method: string,
	url: string,
	{who, sentBy}: Asker = {},
): Promise<RegistryError> {
	const {status} = response;
	const errors = await readItems(response);
	const isRefusedLink = sentBy !== undefined && linkStatuses.has(status);
	const {code, what, hint} = isRefusedLink ? explainLink(status, sentBy) : explain(status, who);
	const said = errors.map(item => (item.message === '' ? item.code : item.message)).join('; ');
	const host = URL.canParse(url) ? new URL(url).host : url;
	const retryAfterMs = parseRetryAfter(response.header('retry-after'));
	const limit = status === 429 ? parseRateLimit(response) : undefined;
	const why = limit === undefined ? what : `${what}: it ${describeRateLimit(limit)}`;
	return new RegistryError(code, `${host} ${why}${said === '' ? '' : `: ${said}`}`, {
		method,
		url,
		status,
		errors,
		hint: retryAfterMs !== undefined && retryAfterMs > 0 ? hintWithTime(hint, retryAfterMs) : hint,
		temporary: isRefusedLink || temporaryStatuses.has(status),
		retryAfterMs,
		details: {...limit},
	});
}

function hintWithTime(hint: string | undefined, retryAfterMs: number): string {
	// Dates come to the second that they were written in.
	const time = describeTime(Math.ceil(retryAfterMs / 1000) * 1000);
	return hint === undefined ? `Try again in ${time}.` : hint.replace('Try again later', `Try again in ${time}`);
}

/** What storages answer to a signed address that has run out: the registry gives another one. */
const linkStatuses: ReadonlySet<number> = new Set([400, 401, 403, 410]);

interface Explanation {
	readonly code: ErrorCode;
	readonly what: string;
	readonly hint?: string | undefined;
}

function explainLink(status: number, sentBy: string): Explanation {
	return {
		code: 'ERR_REGISTRY_UNAUTHORIZED',
		what: `refuses the address that ${sentBy} gave, with status ${status}`,
		hint: 'Try again, and check the clock of this machine: such addresses are good for a while only.',
	};
}

function explain(status: number, who: string | undefined): Explanation {
	if (status === 401) {
		return {
			code: 'ERR_REGISTRY_UNAUTHORIZED',
			what: `wants other credentials${who === undefined ? '' : ` than ${who}`}, or has no such repository`,
			hint: 'Check the name of the image, and log in to the registry.',
		};
	}
	if (status === 403) {
		return {
			code: 'ERR_REGISTRY_UNAUTHORIZED',
			what: `denies access${who === undefined ? '' : ` to ${who}`}`,
			hint: 'Check that these credentials give the right to do this in the repository.',
		};
	}
	if (status === 429) {
		return {
			code: 'ERR_REGISTRY_LIMIT',
			what: 'wants us to slow down',
			hint: 'Try again later, or log in: registries allow more to those they know.',
		};
	}
	return {code: 'ERR_REGISTRY_RESPONSE', what: `answered with status ${status}`};
}

async function readItems(response: HttpResponse): Promise<readonly RegistryErrorItem[]> {
	try {
		const chunks: Uint8Array[] = [];
		let sizeBytes = 0;
		for await (const chunk of response.body) {
			sizeBytes += chunk.length;
			if (sizeBytes > maxErrorBytes) return [];
			chunks.push(chunk);
		}
		const value = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {errors?: unknown} | null;
		if (!Array.isArray(value?.errors)) return [];
		return value.errors.slice(0, maxItems).map((item: {code?: unknown; message?: unknown} | null) => ({
			code: clean(item?.code),
			message: clean(item?.message),
		}));
	} catch {
		return [];
	} finally {
		await response.discard();
	}
}

/** Text from outside goes to a terminal: no control characters, no novels. */
function clean(value: unknown): string {
	return typeof value === 'string' ? value.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 300) : '';
}
