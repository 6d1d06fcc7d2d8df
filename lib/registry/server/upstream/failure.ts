import {isSealError} from '../../../core/errors.js';
import {RegistryError} from '../../exchange/error.js';
import {type Refusal, refuse} from '../refusal.js';

/**
 * What a failed upstream means for a client of ours. A refused login there is ours, not the client's: it gets no 401, which would
 * make it send its own password for us.
 */
export function upstreamRefusal(error: unknown, namespace: string): Refusal | undefined {
	if (!isSealError(error)) return undefined;
	const retryAfterMs = error instanceof RegistryError ? error.retryAfterMs : undefined;
	const later = {'retry-after': String(Math.min(3600, Math.max(1, Math.ceil((retryAfterMs ?? 1000) / 1000))))};
	switch (error.code) {
		case 'ERR_REGISTRY_UNAUTHORIZED':
			return refuse('DENIED', `${namespace} refuses access, or has no such repository`);
		case 'ERR_REGISTRY_LIMIT':
			return refuse('TOOMANYREQUESTS', `${namespace} wants us to slow down`, {headers: later});
		case 'ERR_REGISTRY_HOST':
		case 'ERR_REGISTRY_UNREACHABLE':
		case 'ERR_REGISTRY_TLS':
		case 'ERR_NETWORK':
			return refuse('UNAVAILABLE', `${namespace} cannot be reached`, {headers: later});
		case 'ERR_REGISTRY_RESPONSE':
		case 'ERR_CONTENT_DIGEST':
		case 'ERR_CONTENT_SIZE':
		case 'ERR_CONTENT_MISSING':
		case 'ERR_MANIFEST_INVALID':
			return refuse('UNAVAILABLE', `${namespace} gives an answer that cannot be used`, {status: 502});
		default:
			return undefined;
	}
}
