import {hasCode, type SealError} from '../../core/errors.js';
import {
	createHttpClient,
	type HttpClient,
	type HttpClientOptions,
	type HttpResponse,
	type HttpRequest as PlainRequest,
} from '../../core/http.js';
import {RegistryError} from './error.js';

/** The connections to registries: those whose certificates count, and those to hosts that were declared insecure. */
export interface Http {
	/** Resolves with any status. @throws RegistryError ERR_REGISTRY_UNREACHABLE, ERR_REGISTRY_TLS; reading the body too */
	send(request: HttpRequest): Promise<HttpResponse>;
	close(): Promise<void>;
}

export interface HttpRequest extends PlainRequest {
	readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
	readonly url: string;
	/** Accept any certificate. */
	readonly insecure: boolean;
}

export type HttpOptions = Omit<HttpClientOptions, 'insecure'>;

export function createHttp(options: HttpOptions = {}): Http {
	const clients = new Map<boolean, HttpClient>();
	const clientFor = (insecure: boolean): HttpClient => {
		const client = clients.get(insecure) ?? createHttpClient({...options, insecure});
		clients.set(insecure, client);
		return client;
	};
	return {
		async send({url, insecure, ...request}) {
			try {
				const response = await clientFor(insecure).request(url, request);
				return {...response, body: readBody(response, request.method, url)};
			} catch (error) {
				throw registryError(error, request.method, url);
			}
		},
		async close() {
			await Promise.all([...clients.values()].map(client => client.close()));
			clients.clear();
		},
	};
}

async function* readBody(response: HttpResponse, method: string, url: string): AsyncGenerator<Uint8Array> {
	try {
		yield* response.body;
	} catch (error) {
		throw registryError(error, method, url);
	}
}

const tlsCodes =
	/^(?:CERT_|ERR_TLS_|ERR_SSL_|EPROTO$|UNABLE_TO_|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|HOSTNAME_MISMATCH$)/;

function registryError(error: unknown, method: string, url: string): unknown {
	if (!hasCode(error, 'ERR_NETWORK')) return error;
	const {message, hint, cause, details} = error as SealError;
	const systemCode = String(details.systemCode ?? 'UNKNOWN');
	const options = {method, url, cause, details: {systemCode}};
	if (tlsCodes.test(systemCode)) {
		const isPlain = systemCode === 'EPROTO' || systemCode.startsWith('ERR_SSL_');
		const why = isPlain ? `${new URL(url).host} does not speak TLS` : `No secure connection: ${message}`;
		return new RegistryError('ERR_REGISTRY_TLS', why, {
			...options,
			hint: hint ?? 'Check the name and the certificate of the registry, or declare it insecure.',
		});
	}
	return new RegistryError('ERR_REGISTRY_UNREACHABLE', message, {
		...options,
		// A name that does not exist will not come into being while we wait.
		temporary: systemCode !== 'ENOTFOUND',
		hint: hint ?? 'Check the network, and whether the registry runs.',
	});
}
