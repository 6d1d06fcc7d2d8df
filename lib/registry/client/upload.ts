import {assert, hasCode} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import type {ContentOpener} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import {RegistryError} from '../exchange/error.js';
import {pause} from '../exchange/retry.js';
import {existsToWrite, placeName} from './read.js';
import type {UploadJournal} from './upload-journal.js';
import {askStatus, beginUpload, cancelUpload, finishUpload, sendPart, type UploadSession} from './upload-session.js';
import {createUploadSource, type UploadSource} from './upload-source.js';
import type {Place, Wire} from './wire.js';

/** Where blobs go. */
export interface UploadTarget {
	readonly wire: Wire;
	readonly place: Place;
	/** Remembers uploads over restarts of the process. */
	readonly journal: UploadJournal | undefined;
}

/** Up to this much goes out whole with the request that ends the upload, and is held in memory. */
const smallBytes = 4 * 1024 * 1024;
/** The size of parts where a registry names a smallest one, unless that is larger. */
const partBytes = 64 * 1024 * 1024;
/** A registry that takes no part of this size takes none. */
const leastPartBytes = 1024 * 1024;
/** After this much progress the count of attempts starts anew: long uploads over bad lines get through. */
const progressBytes = 1024 * 1024;
/** How often a request may ask for its body a second time, after a challenge in the middle of a part. */
const maxInterruptions = 3;

/**
 * Uploads a blob: where the journal remembers that an upload began, else in `spare` if one is open, else in a new one.
 * What breaks is taken up at the offset that the registry reports; temporary failures are repeated.
 * @throws RegistryError; what `read` throws: then the upload is cancelled
 */
export async function uploadBlob(
	target: UploadTarget,
	descriptor: Descriptor,
	spare: UploadSession | undefined,
	read: ContentOpener,
	options: OperationOptions,
): Promise<void> {
	const {signal} = options;
	const source = createUploadSource(descriptor, read, {signal});
	const upload: Upload = {
		...target,
		descriptor,
		source,
		session: undefined,
		spare,
		partBytes: Number.POSITIVE_INFINITY,
		attempt: 0,
		interruptions: 0,
		bestOffset: 0,
		mayBeDone: false,
	};
	try {
		for (let done = false; !done; ) {
			try {
				await advance(upload, options);
				done = true;
			} catch (error) {
				if (source.failure !== undefined) throw source.failure.reason;
				await recover(upload, error, options);
			}
		}
		await forget(upload);
		if (upload.spare !== undefined) await cancelUpload(target.wire, target.place, upload.spare, false);
	} catch (error) {
		await giveUp(upload, error, options);
		throw error;
	} finally {
		await source.close();
	}
}

interface Upload extends UploadTarget {
	readonly descriptor: Descriptor;
	readonly source: UploadSource;
	session: UploadSession | undefined;
	/** Opened by the registry in place of a mount, and not used yet. */
	spare: UploadSession | undefined;
	partBytes: number;
	/** Failures since the last progress. */
	attempt: number;
	interruptions: number;
	bestOffset: number;
	/** The end was asked for and the answer did not come. */
	mayBeDone: boolean;
}

/** A request asked for its body a second time: part of it may have arrived, so the offset has to be asked for. */
class Interruption extends Error {}

async function advance(upload: Upload, options: OperationOptions): Promise<void> {
	const {wire, place, descriptor, source} = upload;
	if (upload.mayBeDone && (await existsToWrite(wire, place, descriptor, options))) return;
	upload.mayBeDone = false;
	const session = await openSession(upload, options);
	const isSmall = descriptor.size <= smallBytes && session.offset === 0;
	const body = isSmall ? await source.whole() : undefined;
	if (!isSmall) await sendRest(upload, session, options);
	upload.mayBeDone = true;
	await finishUpload(wire, place, session, descriptor, body, options);
}

async function openSession(upload: Upload, options: OperationOptions): Promise<UploadSession> {
	const {wire, place, descriptor} = upload;
	const kept = upload.session ?? (await remembered(upload));
	if (kept !== undefined) {
		if (!kept.isStale || (await askStatus(wire, place, kept, descriptor.size, options))) {
			noteProgress(upload, kept);
			upload.session = kept;
			return kept;
		}
		upload.session = undefined;
		await forget(upload);
	}
	const begun = upload.spare ?? (await beginUpload(wire, place, descriptor, undefined, options));
	upload.spare = undefined;
	assert(begun !== undefined, 'an upload that mounts nothing was answered as a mount');
	upload.session = begun;
	return begun;
}

async function sendRest(upload: Upload, session: UploadSession, options: OperationOptions): Promise<void> {
	const {wire, place, source, descriptor} = upload;
	const sizeBytes = descriptor.size;
	if (session.minPartBytes > 0)
		upload.partBytes = Math.min(upload.partBytes, Math.max(partBytes, session.minPartBytes));
	while (session.offset < sizeBytes) {
		options.signal?.throwIfAborted();
		const start = session.offset;
		const end = Math.min(sizeBytes, start + Math.max(upload.partBytes, session.minPartBytes));
		await remember(upload, true);
		await source.seek(start);
		let isSent = false;
		const body = () => {
			if (isSent) throw new Interruption(`${placeName(place)} asks for a part a second time`);
			isSent = true;
			return source.part(end);
		};
		await sendPart(wire, place, session, {start, end, sizeBytes, body}, options);
		noteProgress(upload, session);
		if (session.offset < end) throw tookLess(upload, start, end);
	}
}

/** Goes on by the question where it stands, and counts as a failed attempt: who takes byte by byte is left. */
function tookLess({place, session}: Upload, start: number, end: number): RegistryError {
	const taken = (session?.offset ?? start) - start;
	return new RegistryError('ERR_REGISTRY_RESPONSE', `${placeName(place)} took ${taken} of ${end - start} bytes`, {
		method: 'PATCH',
		temporary: true,
	});
}

function noteProgress(upload: Upload, {offset}: UploadSession): void {
	if (offset < upload.bestOffset + progressBytes) return;
	upload.bestOffset = offset;
	upload.attempt = 0;
	upload.interruptions = 0;
}

/** Returns when another attempt makes sense, and leaves the upload so that it can be made. */
async function recover(upload: Upload, error: unknown, options: OperationOptions): Promise<void> {
	options.signal?.throwIfAborted();
	const {wire, session, descriptor} = upload;
	if (session !== undefined) session.isStale = true;
	if (error instanceof Interruption) {
		if (++upload.interruptions <= maxInterruptions) return;
		throw new RegistryError('ERR_REGISTRY_RESPONSE', error.message, {method: 'PATCH'});
	}
	if (!(error instanceof RegistryError)) throw error;
	const isLast = ++upload.attempt >= (wire.retry?.attempts ?? 5);
	// 409: an earlier request of ours, cut on our side, is still at work there.
	if ((error.temporary || error.status === 409) && !isLast) {
		return await pause(descriptor.digest, upload.attempt, error, wire.retry ?? {}, options);
	}
	if (session === undefined || isLast) throw error;
	if (error.status === 416) return;
	if (error.status === 413) return shrinkParts(upload, error);
	if (isWrongContent(error)) {
		// The source is asked first: what it holds may be damaged, and only now was that worth reading it twice.
		await upload.source.check();
		if (session.isClean) throw otherContent(upload, error);
	} else if (!isLost(error)) throw error;
	upload.session = undefined;
	await forget(upload);
}

function isWrongContent({status, errors}: RegistryError): boolean {
	return status === 400 && errors.some(({code}) => code === 'DIGEST_INVALID');
}

/** docker-registry says 404 to an upload whose last part was cut: it cannot tell where it stands. */
function isLost({status, errors}: RegistryError): boolean {
	return (
		status === 404 ||
		status === 410 ||
		errors.some(({code}) => ['BLOB_UPLOAD_UNKNOWN', 'BLOB_UPLOAD_INVALID', 'SIZE_INVALID'].includes(code))
	);
}

/** The source is right: then it changed on the way, or the registry counts otherwise. */
function otherContent({place, descriptor}: Upload, cause: RegistryError): RegistryError {
	const {status, errors} = cause;
	return new RegistryError(
		'ERR_REGISTRY_RESPONSE',
		`${placeName(place)} says that it received other content than ${descriptor.digest}`,
		{
			method: 'PUT',
			...(status === undefined ? {} : {status}),
			errors,
			hint: 'Push again; when it happens again, something between here and the registry changes what is sent.',
			cause,
		},
	);
}

/** Proxies before registries limit the size of bodies, and do not say to what. */
function shrinkParts(upload: Upload, error: RegistryError): void {
	const {session, descriptor} = upload;
	const next = Math.floor(Math.min(upload.partBytes, descriptor.size) / 4);
	if (next < Math.max(leastPartBytes, session?.minPartBytes ?? 0)) throw error;
	upload.partBytes = next;
	upload.attempt--;
}

/** Keeps an upload that can go on later, and cancels any other. */
async function giveUp(upload: Upload, error: unknown, {signal}: OperationOptions): Promise<void> {
	const {wire, place, session, spare} = upload;
	const isAborted = signal?.aborted === true;
	if (spare !== undefined) await cancelUpload(wire, place, spare, isAborted);
	if (session === undefined) return;
	if ((isAborted || canGoOn(upload, error)) && isWorthRemembering(upload)) return await remember(upload, false);
	await cancelUpload(wire, place, session, isAborted);
	await forget(upload);
}

/** What the registry has is right as far as anybody knows, and it would take more. */
function canGoOn({source}: Upload, error: unknown): boolean {
	if (source.failure !== undefined) return !hasCode(error, 'ERR_CONTENT_DIGEST') && !hasCode(error, 'ERR_CONTENT_SIZE');
	return error instanceof RegistryError && (error.temporary || error.code === 'ERR_REGISTRY_UNAUTHORIZED');
}

function isWorthRemembering({journal, descriptor}: Upload): boolean {
	return journal !== undefined && descriptor.size > smallBytes;
}

async function remembered(upload: Upload): Promise<UploadSession | undefined> {
	if (!isWorthRemembering(upload)) return undefined;
	const record = await upload.journal?.get(keyOf(upload)).catch(() => undefined);
	if (record === undefined) return undefined;
	return {location: record.location, offset: 0, minPartBytes: record.minPartBytes, isClean: false, isStale: true};
}

/** A journal that cannot be written is no reason to stop: the upload then starts anew after a restart. */
async function remember(upload: Upload, isHeld: boolean): Promise<void> {
	const {session} = upload;
	if (session === undefined || !isWorthRemembering(upload)) return;
	const {location, minPartBytes} = session;
	await upload.journal?.set(keyOf(upload), {location, minPartBytes, isHeld}).catch(() => undefined);
}

async function forget(upload: Upload): Promise<void> {
	if (isWorthRemembering(upload)) await upload.journal?.remove(keyOf(upload)).catch(() => undefined);
}

function keyOf({place, descriptor}: Upload) {
	return {...place, digest: descriptor.digest};
}
