import {collect} from '../../core/bytes.js';
import type {OperationOptions} from '../../core/events.js';
import type {HttpResponse} from '../../core/http.js';
import {parseJson} from '../../oci/config.js';
import {RegistryError} from '../exchange/error.js';
import {type RetryPolicy, withRetry} from '../exchange/retry.js';
import type {RegistryRequest, Transport} from '../exchange/transport.js';
import type {PartsPolicy} from './download.js';

/** The way to registries that every function of the client is given. */
export interface Wire {
	readonly transport: Transport;
	readonly retry?: RetryPolicy | undefined;
	readonly parts?: PartsPolicy | undefined;
}

/** The way that a sink goes: what a mirror has says nothing about the registry that is written to. */
export function withoutMirrors(wire: Wire): Wire {
	const {transport} = wire;
	return {
		...wire,
		transport: {...transport, send: (request, options) => transport.send({...request, direct: true}, options)},
	};
}

/** One repository of one registry. */
export interface Place {
	/** As in references. */
	readonly host: string;
	readonly repository: string;
}

export interface JsonAnswer {
	readonly value: unknown;
	/** Where it came from, after redirects and mirrors. */
	readonly url: string;
	header(name: string): string | undefined;
}

/**
 * The JSON that a GET is answered with; undefined for 404. A connection that breaks while the body is read counts as a
 * failed attempt.
 * @throws RegistryError ERR_REGISTRY_RESPONSE when it is no JSON; SealError ERR_CONTENT_SIZE above `limitBytes`
 */
export async function askJson(
	wire: Wire,
	request: Omit<RegistryRequest, 'method'>,
	limitBytes: number,
	options: OperationOptions,
): Promise<JsonAnswer | undefined> {
	return await withRetry(request.path, wire.retry ?? {}, options, async () => {
		const response = await wire.transport.send({...request, method: 'GET'}, options);
		if (response.status === 404) {
			await response.discard();
			return undefined;
		}
		const what = `The answer of ${request.host} to ${request.path.split('?')[0]}`;
		const bytes = await collect(response.body, limitBytes, what);
		return {value: readJson(bytes, response, request), url: response.url, header: name => response.header(name)};
	});
}

/** Sign-in pages come with status 200 where a proxy stands between us and the registry. */
export function isWebPage(response: Pick<HttpResponse, 'header'>): boolean {
	return /^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(response.header('content-type') ?? '');
}

/** The error of an answer that is a web page where a registry was expected. */
export function webPage(host: string, url: string): RegistryError {
	return new RegistryError('ERR_REGISTRY_RESPONSE', `${host} answers with a web page where a registry was expected`, {
		url,
		hint: 'Check the address, and whether a proxy or a sign-in page stands before the registry.',
	});
}

function readJson(bytes: Buffer, response: HttpResponse, request: Omit<RegistryRequest, 'method'>): unknown {
	const url = `https://${request.host}${request.path}`;
	if (isWebPage(response)) throw webPage(request.host, url);
	try {
		return parseJson(bytes, request.path);
	} catch (error) {
		throw new RegistryError('ERR_REGISTRY_RESPONSE', `${request.host} answers with something that is no JSON`, {
			method: 'GET',
			url,
			status: response.status,
			cause: error,
		});
	}
}
