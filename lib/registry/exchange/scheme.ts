import {createSharedWork} from '../../core/abortable.js';
import type {Abortable} from '../../core/events.js';
import type {Endpoint} from '../hosts/endpoint.js';
import {RegistryError} from './error.js';
import {homeConnection} from './follow.js';
import type {Http} from './http.js';
import {explainTls} from './tls-error.js';

/** Which hosts turned out to speak plain http, of those that may. */
export interface Schemes {
	/** The endpoint as it can be spoken to. @throws RegistryError when it cannot be reached */
	settle(endpoint: Endpoint, options: Abortable): Promise<Endpoint>;
}

/**
 * Hosts that may speak plain http are asked over https first, once: a request of ours goes out when it is known which it is,
 * and so its body is sent once.
 */
export function createSchemes(http: Http): Schemes {
	const known = new Map<string, boolean>();
	const shared = createSharedWork<boolean>();
	return {
		async settle(endpoint, options) {
			const {origin} = endpoint;
			if (!endpoint.plainHttp || !origin.startsWith('https:')) return endpoint;
			const found = known.get(origin) ?? (await shared(origin, signal => isPlain(http, endpoint, signal), options));
			known.set(origin, found);
			return found ? {...endpoint, origin: origin.replace(/^https/, 'http')} : endpoint;
		},
	};
}

async function isPlain(http: Http, endpoint: Endpoint, signal: AbortSignal): Promise<boolean> {
	try {
		const url = `${endpoint.origin}${endpoint.basePath}/`;
		const response = await http.send({method: 'GET', url, ...homeConnection(endpoint), signal});
		await response.discard();
		return false;
	} catch (error) {
		if (speaksPlainHttp(error)) return true;
		throw error;
	}
}

/** What a TLS handshake with a plain server ends in: an alert that is none, or a hang-up before it is done. */
function speaksPlainHttp(error: unknown): boolean {
	if (!(error instanceof RegistryError)) return false;
	const code = String(error.details.systemCode);
	if (code === 'ECONNRESET')
		return /before secure TLS connection/.test((error.cause as Error | undefined)?.message ?? '');
	return explainTls(error.cause, code, '', undefined)?.isPlain === true;
}
