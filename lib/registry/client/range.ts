import type {OperationOptions} from '../../core/events.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {isDigest} from '../../oci/digest.js';
import {checkDigest, missingContent, wrongSize} from '../../oci/verify.js';
import {RegistryError} from '../exchange/error.js';
import {responseError} from '../exchange/response-error.js';
import {pause} from '../exchange/retry.js';
import type {RegistryRequest, RegistryResponse} from '../exchange/transport.js';
import {isWebPage, type Wire, webPage} from './wire.js';

/** One blob on its way from one repository. */
export interface Download {
	readonly wire: Wire;
	readonly request: RegistryRequest;
	readonly descriptor: Descriptor;
	readonly options: OperationOptions;
}

/** The bytes from `start` to before `end`. */
export interface Span {
	readonly start: number;
	readonly end: number;
}

/** An answer that begins at `start` or before it. */
export interface Opened {
	readonly response: RegistryResponse;
	/** Where the first byte of the body belongs, and where the body ends unless it is cut. */
	readonly span: Span;
	/** The server gave a part, as it was asked to. */
	readonly isPart: boolean;
}

/** After this much progress the count of attempts starts anew: long downloads over bad lines get through. */
const progressBytes = 1024 * 1024;

/**
 * Opens a part of a blob, and waits for the answer: absence and refusal reject here. Failures that pass are repeated. Every
 * attempt begins at the registry: the signed address of a storage behind it may have run out since the last.
 * @throws RegistryError; SealError ERR_CONTENT_MISSING, ERR_CONTENT_SIZE, ERR_CONTENT_DIGEST
 */
export async function openSpan(download: Download, span: Span, patience: Patience = {attempt: 0}): Promise<Opened> {
	for (;;) {
		try {
			return await request(download, span);
		} catch (error) {
			await giveUpOrPause(download, error, patience);
		}
	}
}

/**
 * The bytes of a span. A connection that breaks is taken up again where it broke. A server that gives the whole where a part
 * was asked for is endured (what we have is passed over), unless the span is one of many.
 * @throws as `openSpan`
 */
export async function* readSpan(
	download: Download,
	span: Span,
	opened: Opened | undefined,
	{oneOfMany = false} = {},
): AsyncGenerator<Uint8Array> {
	const {descriptor, options} = download;
	const patience: Patience = {attempt: 0};
	let current = opened;
	for (let done = span.start; done < span.end; ) {
		const from = done;
		current ??= await openSpan(download, {start: done, end: span.end}, patience);
		const {response} = current;
		try {
			if (oneOfMany && current.span.start < done) throw noParts(download);
			const {body} = response;
			for await (const chunk of current.span.start === done ? body : skipped(current, done)) {
				options.signal?.throwIfAborted();
				done += chunk.length;
				if (done > span.end) throw wrongSize(descriptor, download.request.host, 'longer');
				yield chunk;
			}
			// Servers may give less of a range than was asked for, if it is worth the way.
			const isEnough = done === current.span.end && done - from >= minPartBytes;
			if (done < span.end && !isEnough) throw cut(download, done);
		} catch (error) {
			if (done - from >= progressBytes) patience.attempt = 0;
			await giveUpOrPause(download, error, patience);
		} finally {
			await response.discard();
		}
		current = undefined;
	}
}

/** True for the refusal of `readSpan` to pass over what it was not asked for. */
export function isWithoutParts(error: unknown): boolean {
	return error instanceof RegistryError && error.details.ranges === false;
}

const minPartBytes = 64 * 1024;

/** Attempts since the last progress. */
interface Patience {
	attempt: number;
}

async function giveUpOrPause({wire, options, descriptor}: Download, error: unknown, patience: Patience): Promise<void> {
	options.signal?.throwIfAborted();
	patience.attempt++;
	const {retry = {}} = wire;
	const isLast = patience.attempt >= (retry.attempts ?? 5);
	if (!(error instanceof RegistryError) || !error.temporary || isLast) throw error;
	await pause(descriptor.digest, patience.attempt, error, retry, options);
}

async function request(download: Download, span: Span): Promise<Opened> {
	const {wire, request, descriptor, options} = download;
	const isWhole = span.start === 0 && span.end === descriptor.size;
	const end = span.end === descriptor.size ? '' : span.end - 1;
	const headers = {
		...request.headers,
		'accept-encoding': 'identity',
		...(isWhole ? {} : {range: `bytes=${span.start}-${end}`}),
	};
	const response = await wire.transport.send({...request, headers}, options);
	const {status} = response;
	if (status !== 200 && status !== 206 && status !== 404 && status !== 416) {
		throw await responseError(response, request.method, response.url);
	}
	try {
		return check(download, span, response);
	} catch (error) {
		await response.discard();
		throw error;
	}
}

/** What cannot be right is refused before a byte is read. */
function check(download: Download, span: Span, response: RegistryResponse): Opened {
	const {request, descriptor} = download;
	const {host, repository} = request;
	const {size} = descriptor;
	if (response.status === 404) throw missingContent(descriptor, `${host}/${repository}`);
	if (response.status === 416) throw unsatisfiable(download, response);
	const said = response.header('docker-content-digest');
	if (isDigest(said) && said.slice(0, 6) === descriptor.digest.slice(0, 6)) checkDigest(descriptor, said, host);
	const given = response.status === 206 ? givenSpan(download, span, response) : {start: 0, end: size};
	const length = response.header('content-length');
	if (length === undefined ? isWebPage(response) : Number(length) !== given.end - given.start) {
		if (isWebPage(response)) throw webPage(host, response.url);
		const coding = response.header('content-encoding') ?? 'identity';
		if (coding.toLowerCase() !== 'identity') throw bad(download, `comes in the coding ${coding}, asked for as it is`);
		if (response.status === 206) throw bad(download, `has ${length} bytes in a part of ${given.end - given.start}`);
		throw wrongSize(descriptor, host, Number(length) > size ? 'longer' : 'shorter', Number(length));
	}
	return {response, span: given, isPart: response.status === 206};
}

function givenSpan(download: Download, asked: Span, response: RegistryResponse): Span {
	const range = response.header('content-range') ?? '';
	const [, first, last, total] = /^\s*bytes\s+(\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)\s*$/i.exec(range) ?? [];
	const span = {start: Number(first), end: Number(last) + 1};
	const {descriptor, request} = download;
	if (first === undefined || span.start !== asked.start || span.end <= span.start || span.end > asked.end) {
		const found = range === '' ? 'none' : `"${range.slice(0, 80)}"`;
		throw bad(
			download,
			`comes as another part than was asked for: bytes ${asked.start}-${asked.end - 1}, found ${found}`,
		);
	}
	if (total !== '*' && Number(total) !== descriptor.size) {
		throw wrongSize(descriptor, request.host, Number(total) > descriptor.size ? 'longer' : 'shorter', Number(total));
	}
	return span;
}

function unsatisfiable(download: Download, response: RegistryResponse): Error {
	const {descriptor, request} = download;
	const total = /^\s*bytes\s+\*\/(\d{1,16})\s*$/i.exec(response.header('content-range') ?? '')?.[1];
	if (total === undefined || Number(total) >= descriptor.size)
		return bad(download, 'cannot be had in parts: status 416');
	return wrongSize(descriptor, request.host, 'shorter', Number(total));
}

/** A server that does not know Range sends all of it again: what we have is passed over. */
async function* skipped({response, span}: Opened, offset: number): AsyncGenerator<Uint8Array> {
	let left = offset - span.start;
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

function noParts({request, descriptor}: Download): RegistryError {
	const message = `${request.host} gave parts of ${descriptor.digest}, and now only the whole`;
	return new RegistryError('ERR_REGISTRY_RESPONSE', message, {method: request.method, details: {ranges: false}});
}

function bad({request, descriptor}: Download, what: string): RegistryError {
	return new RegistryError('ERR_REGISTRY_RESPONSE', `${descriptor.digest} from ${request.host} ${what}`, {
		method: request.method,
		url: `https://${request.host}${request.path}`,
		hint: 'Check for a proxy in between that changes what it passes on.',
	});
}
