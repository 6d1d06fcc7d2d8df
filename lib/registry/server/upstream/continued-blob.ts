import type {Bytes} from '../../../core/bytes.js';
import type {OperationOptions} from '../../../core/events.js';
import type {Digest} from '../../../oci/digest.js';
import {wrongSize} from '../../../oci/verify.js';
import type {Upstream, UpstreamBlob} from './upstream.js';

export interface BlobRequest {
	readonly name: string;
	readonly digest: Digest;
	readonly options: OperationOptions;
}

export interface ContinuedBlob {
	readonly bytes: Bytes;
	/** The hosts that gave bytes of it so far. */
	readonly givers: ReadonlySet<string>;
}

/** After this much progress the failures before it are forgotten. */
const progressBytes = 1024 * 1024;
/** How often each server may fail without progress. */
const patience = 2;

/**
 * A blob that one server began to give. When it breaks off, the next servers are asked for the rest, the one that failed
 * last: it may be back.
 */
export function continueBlob(
	members: readonly Upstream[],
	{member, blob}: {readonly member: Upstream; readonly blob: UpstreamBlob},
	request: BlobRequest,
): ContinuedBlob {
	const work: Work = {
		members,
		sizeBytes: blob.sizeBytes,
		givers: new Set(),
		request,
		current: {member, bytes: blob.bytes},
		isOver: false,
	};
	const generator = follow(work);
	return {
		givers: work.givers,
		bytes: {
			[Symbol.asyncIterator]: () => ({
				next: () => generator.next(),
				async return() {
					// A generator that was never started runs no `finally`, and one that waits for bytes would wait on.
					work.isOver = true;
					await work.current.bytes[Symbol.asyncIterator]().return?.();
					return await generator.return(undefined);
				},
			}),
		},
	};
}

interface Source {
	readonly member: Upstream;
	readonly bytes: Bytes;
}

interface Work {
	readonly members: readonly Upstream[];
	readonly sizeBytes: number;
	readonly givers: Set<string>;
	readonly request: BlobRequest;
	current: Source;
	/** Nobody wants more. */
	isOver: boolean;
}

async function* follow(work: Work): AsyncGenerator<Uint8Array> {
	const {members, sizeBytes, givers, request} = work;
	const {options} = request;
	let failures = 0;
	for (let done = 0; ; ) {
		const from = done;
		const {member, bytes} = work.current;
		try {
			for await (const chunk of bytes) {
				givers.add(member.host);
				done += chunk.length;
				if (done > sizeBytes) throw tooLong(member, request.digest, sizeBytes);
				yield chunk;
			}
			return;
		} catch (error) {
			options.signal?.throwIfAborted();
			if (done - from >= progressBytes) failures = 0;
			failures++;
			if (work.isOver) throw error;
			member.failed(error, options);
			if (done >= sizeBytes || failures > members.length * patience) throw error;
			work.current = await openRest(work, member, done, error);
		}
	}
}

/** @throws the failure that made another server necessary, when no server has the rest */
async function openRest(
	{members, sizeBytes, request}: Work,
	failed: Upstream,
	start: number,
	reason: unknown,
): Promise<Source> {
	const {name, digest, options} = request;
	const at = members.indexOf(failed);
	const others = [...members.slice(at + 1), ...members.slice(0, at + 1)];
	const isDown = new Map(others.map(member => [member, Number(member.isDown(options))]));
	for (const member of others.toSorted((a, b) => (isDown.get(a) ?? 0) - (isDown.get(b) ?? 0))) {
		try {
			return {member, bytes: await member.blobFrom(name, digest, {start, end: sizeBytes}, options)};
		} catch {
			options.signal?.throwIfAborted();
		}
	}
	throw reason;
}

function tooLong({host}: Upstream, digest: Digest, size: number): Error {
	return wrongSize({mediaType: 'application/octet-stream', digest, size}, host, 'longer');
}
