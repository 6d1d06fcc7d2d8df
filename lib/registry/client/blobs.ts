import type {Bytes} from '../../core/bytes.js';
import type {OperationOptions} from '../../core/events.js';
import type {ContentOpener} from '../../oci/content.js';
import type {Descriptor} from '../../oci/descriptor.js';
import type {Digest} from '../../oci/digest.js';
import {discard, verified} from '../../oci/verify.js';
import {RegistryError} from '../exchange/error.js';
import {mountBlob, mountFromAnywhere} from './mount.js';
import {existsToWrite, placeName} from './read.js';
import {type UploadTarget, uploadBlob} from './upload.js';
import type {UploadSession} from './upload-session.js';

/** Writes blobs to a repository. */
export interface BlobWriter {
	/** Somebody asked just now: the next push need not ask again. */
	noteAbsent(digest: Digest): void;
	/** As ContentMounter.mount. An upload that the registry opens instead is used by the push that follows. */
	mount(descriptor: Descriptor, from: readonly string[], options: OperationOptions): Promise<string | undefined>;
	/** As ContentStore.push. */
	push(descriptor: Descriptor, bytes: Bytes, options: OperationOptions): Promise<void>;
	/** As ResumableSink.pushFrom. */
	pushFrom(descriptor: Descriptor, read: ContentOpener, options: OperationOptions): Promise<void>;
}

/** Above this the notes on what is absent are dropped: they save requests and mean nothing else. */
const maxNotes = 100_000;

export function createBlobWriter(target: UploadTarget): BlobWriter {
	const {wire, place} = target;
	const absent = new Set<Digest>();
	const opened = new Map<Digest, UploadSession>();
	let mountsFromAnywhere = true;

	const pushFrom: BlobWriter['pushFrom'] = async (descriptor, read, options) => {
		const {digest} = descriptor;
		const session = opened.get(digest);
		opened.delete(digest);
		const isAbsent = absent.delete(digest) || session !== undefined;
		if (!isAbsent && (await existsToWrite(wire, place, descriptor, options))) return;
		await uploadBlob(target, descriptor, session, read, options);
	};
	return {
		noteAbsent(digest) {
			if (absent.size >= maxNotes) absent.clear();
			absent.add(digest);
		},
		async mount(descriptor, from, options) {
			let result = await mountBlob(wire, place, descriptor, from, options);
			const isSettled = result.from !== undefined || result.session !== undefined;
			if (!isSettled && mountsFromAnywhere && !(await isRemembered(target, descriptor))) {
				const found = await mountFromAnywhere(wire, place, descriptor, options);
				mountsFromAnywhere = found !== undefined;
				result = found ?? {};
			}
			options.signal?.throwIfAborted();
			if (result.from !== undefined) absent.delete(descriptor.digest);
			if (result.session !== undefined) opened.set(descriptor.digest, result.session);
			return result.from;
		},
		async push(descriptor, bytes, options) {
			const read = onlyOnce(verified(bytes, descriptor, 'the source', options), placeName(place));
			try {
				await pushFrom(descriptor, read, options);
			} finally {
				await discard(bytes).catch(() => undefined);
			}
		},
		pushFrom,
	};
}

/** An upload that can go on is worth more than a mount that may not be. */
async function isRemembered({journal, place}: UploadTarget, {digest}: Descriptor): Promise<boolean> {
	return (await journal?.get({...place, digest}).catch(() => undefined)) !== undefined;
}

/** A stream cannot be sent again. */
function onlyOnce(bytes: Bytes, where: string): ContentOpener {
	let isTaken = false;
	return async () => {
		if (!isTaken) {
			isTaken = true;
			return bytes;
		}
		throw new RegistryError('ERR_REGISTRY_UNREACHABLE', `The upload to ${where} broke, and its bytes are gone`, {
			hint: 'Push again; content that can be read again goes on by itself.',
		});
	};
}
