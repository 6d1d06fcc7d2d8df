import type {Digest} from '../../oci/digest.js';
import type {Answer, AnswerHeaders} from './answer.js';
import type {Exchange} from './exchange.js';

/** Content has the same bytes for ever. Whether shared caches may keep it too depends on who has access, which is not said here. */
export const immutable = 'max-age=31536000, immutable';

/** The headers that identify content. */
export function identity(digest: Digest): Record<string, string> {
	return {'docker-content-digest': digest, etag: `"${digest}"`};
}

/** The answer 304 when the client has this content already (RFC 9110, 13.1.2), else undefined. */
export function unchanged(exchange: Exchange, digest: Digest, headers: AnswerHeaders): Answer | undefined {
	const condition = exchange.request.headers['if-none-match'];
	if (condition === undefined) return undefined;
	const tags = condition.split(',').map(tag => tag.trim().replace(/^W\//, ''));
	return tags.includes('*') || tags.includes(`"${digest}"`) ? {status: 304, headers} : undefined;
}
