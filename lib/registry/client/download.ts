import type {Bytes} from '../../core/bytes.js';
import type {OperationOptions} from '../../core/events.js';
import type {HttpResponse} from '../../core/http.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {missingContent, wrongSize} from '../../oci/verify.js';
import {RegistryError} from '../exchange/error.js';
import {responseError} from '../exchange/response-error.js';
import {pause, type RetryPolicy} from '../exchange/retry.js';
import type {RegistryRequest, Transport} from '../exchange/transport.js';

/** After this much progress the count of attempts starts anew: long downloads over bad lines get through. */
const progressBytes = 1024 * 1024;

/**
 * The bytes of a blob from `offset` on. A connection that breaks is taken up again where it broke (Range); the first
 * answer is waited for, so that absence and refusal reject here. Nothing is verified: the caller sees the whole.
 * @throws RegistryError; SealError ERR_CONTENT_MISSING
 */
export async function openBlob(
	transport: Transport,
	request: RegistryRequest,
	descriptor: Descriptor,
	offset: number,
	policy: RetryPolicy,
	options: OperationOptions,
): Promise<Bytes> {
	const download = {transport, request, descriptor, policy, options};
	if (offset === descriptor.size && offset > 0) return empty();
	const first = await begin(download, offset, {attempt: 0});
	return closable(readOn(download, first, offset), () => first.discard());
}

/** A generator that was never started runs no `finally`: ending it must let go of the connection all the same. */
function closable(generator: AsyncGenerator<Uint8Array>, close: () => Promise<void>): Bytes {
	return {
		[Symbol.asyncIterator]: () => ({
			next: () => generator.next(),
			async return() {
				await close();
				return await generator.return(undefined);
			},
		}),
	};
}

interface Download {
	readonly transport: Transport;
	readonly request: RegistryRequest;
	readonly descriptor: Descriptor;
	readonly policy: RetryPolicy;
	readonly options: OperationOptions;
}

/** Attempts since the last progress. */
interface Patience {
	attempt: number;
}

async function begin(download: Download, offset: number, patience: Patience): Promise<HttpResponse> {
	for (;;) {
		try {
			return await requestFrom(download, offset);
		} catch (error) {
			await giveUpOrPause(download, error, patience);
		}
	}
}

async function* readOn(download: Download, first: HttpResponse, offset: number): AsyncGenerator<Uint8Array> {
	const {descriptor, options} = download;
	const patience: Patience = {attempt: 0};
	let done = offset;
	let lastStart = offset;
	let response = first;
	for (;;) {
		try {
			for await (const chunk of skipped(response, done)) {
				options.signal?.throwIfAborted();
				done += chunk.length;
				if (done > descriptor.size) throw wrongSize(descriptor, download.request.host, 'longer');
				yield chunk;
			}
			if (done === descriptor.size) return;
			throw cut(download, done);
		} catch (error) {
			if (done - lastStart >= progressBytes) patience.attempt = 0;
			lastStart = done;
			await giveUpOrPause(download, error, patience);
		} finally {
			await response.discard();
		}
		response = await begin(download, done, patience);
	}
}

async function giveUpOrPause(
	{policy, options, descriptor}: Download,
	error: unknown,
	patience: Patience,
): Promise<void> {
	options.signal?.throwIfAborted();
	patience.attempt++;
	const isLast = patience.attempt >= (policy.attempts ?? 5);
	if (!(error instanceof RegistryError) || !error.temporary || isLast) throw error;
	await pause(descriptor.digest, patience.attempt, error, policy, options);
}

async function requestFrom({transport, request, descriptor, options}: Download, offset: number): Promise<HttpResponse> {
	const headers = {
		...request.headers,
		'accept-encoding': 'identity',
		...(offset === 0 ? {} : {range: `bytes=${offset}-`}),
	};
	const response = await transport.send({...request, headers}, options);
	if (response.status === 404) {
		await response.discard();
		throw missingContent(descriptor, `${request.host}/${request.repository}`);
	}
	if (response.status === 200 || (response.status === 206 && startOf(response) === offset)) {
		await checkLength(response, descriptor, offset, request.host);
		return response;
	}
	throw await responseError(response, request.method, `https://${request.host}${request.path}`);
}

/** A length that cannot be right is refused before a byte is read. */
async function checkLength(
	response: HttpResponse,
	descriptor: Descriptor,
	offset: number,
	host: string,
): Promise<void> {
	const length = response.header('content-length');
	if (length === undefined || response.header('content-encoding') !== undefined) return;
	const found = Number(length) + (response.status === 206 ? offset : 0);
	if (found === descriptor.size) return;
	await response.discard();
	throw wrongSize(descriptor, host, found > descriptor.size ? 'longer' : 'shorter', found);
}

function startOf(response: HttpResponse): number {
	return Number(/^bytes (\d+)-/.exec(response.header('content-range') ?? '')?.[1] ?? Number.NaN);
}

/** A server that does not know Range sends all of it again: what we have is passed over. */
async function* skipped(response: HttpResponse, offset: number): AsyncGenerator<Uint8Array> {
	let left = response.status === 206 ? 0 : offset;
	for await (const chunk of response.body) {
		if (left >= chunk.length) {
			left -= chunk.length;
			continue;
		}
		yield left === 0 ? chunk : chunk.subarray(left);
		left = 0;
	}
}

function cut({request, descriptor}: Download, done: number): RegistryError {
	const message = `${request.host} ended after ${done} of ${descriptor.size} bytes of ${descriptor.digest}`;
	return new RegistryError('ERR_REGISTRY_UNREACHABLE', message, {method: request.method, temporary: true});
}

async function* empty(): AsyncGenerator<Uint8Array> {}
