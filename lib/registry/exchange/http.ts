import {translateErrors} from '../../core/bytes.js';
import {hasCode, type SealError} from '../../core/errors.js';
import {
	createHttpClient,
	type HttpClientOptions,
	type HttpResponse,
	type HttpRequest as PlainRequest,
} from '../../core/http.js';
import {RegistryError} from './error.js';
import {explainTls} from './tls-error.js';

/** The connections to registries. */
export interface Http {
	/** Resolves with any status. @throws RegistryError ERR_REGISTRY_HOST, ERR_REGISTRY_UNREACHABLE, ERR_REGISTRY_TLS; reading the body too */
	send(request: HttpRequest): Promise<HttpResponse>;
	close(): Promise<void>;
}

export interface HttpRequest extends PlainRequest {
	readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
	readonly url: string;
	/** Where a file with the authority of the host would be found, for messages. */
	readonly caPath?: string | undefined;
}

export function createHttp(options: HttpClientOptions = {}): Http {
	const client = createHttpClient(options);
	return {
		async send({url, caPath, ...request}) {
			try {
				const response = await client.request(url, request);
				const translate = (error: unknown): unknown => registryError(error, request.method, url);
				return {...response, body: translateErrors(response.body, translate)};
			} catch (error) {
				throw registryError(error, request.method, url, caPath);
			}
		},
		close: client.close,
	};
}

function registryError(error: unknown, method: string, url: string, caPath?: string): unknown {
	if (!hasCode(error, 'ERR_NETWORK')) return error;
	const {message, hint, cause, details} = error as SealError;
	const systemCode = String(details.systemCode ?? 'UNKNOWN');
	const options = {method, url, cause, details: {systemCode}};
	const tls = explainTls(cause, systemCode, new URL(url).host, caPath);
	if (tls !== undefined) {
		return new RegistryError('ERR_REGISTRY_TLS', tls.message, {...options, hint: tls.hint});
	}
	if (systemCode === 'ENOTFOUND') {
		// With a proxy it is the proxy's name that is looked up. It will not come into being while we wait.
		const {hostname = new URL(url).hostname} = cause as {readonly hostname?: string};
		return new RegistryError('ERR_REGISTRY_HOST', `There is no host called ${hostname}`, {
			...options,
			hint: 'Check the spelling of the host, and the network.',
		});
	}
	const isRefused = systemCode === 'ECONNREFUSED';
	return new RegistryError(
		'ERR_REGISTRY_UNREACHABLE',
		isRefused ? `Nothing answers at ${new URL(url).host}: the connection is refused` : message,
		{
			...options,
			temporary: true,
			hint: isRefused
				? 'Check the host and the port, and whether the registry runs there.'
				: (hint ?? 'Check the network, and whether the registry runs.'),
		},
	);
}
