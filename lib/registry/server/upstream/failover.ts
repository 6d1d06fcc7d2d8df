import {hasCode} from '../../../core/errors.js';
import {emit, type OperationOptions} from '../../../core/events.js';
import type {Descriptor} from '../../../oci/descriptor.js';
import type {Digest} from '../../../oci/digest.js';
import {createLru, type Lru} from '../../storage/stock/lru.js';
import {continueBlob} from './continued-blob.js';
import type {Upstream, UpstreamServer} from './upstream.js';

/**
 * Several servers with the same content as one: each is asked when those before it fail, or lack what is wanted. One that is
 * down costs one time-out; from then on nobody waits for it while another one answers, until a look in the background finds it
 * back. A blob that breaks off goes on at the next server where it stopped. Content is absent when no server that answers has it.
 * @param servers at least one, the preferred one first
 */
export function openFailover(servers: readonly UpstreamServer[]): UpstreamServer {
	const [only] = servers;
	if (only !== undefined && servers.length === 1) return only;
	const memory: Memory = {suspects: createLru(maxSuspects), told: new WeakSet()};
	return {
		of(ns) {
			const members = servers.map(server => server.of(ns));
			return inOrder(members, memory);
		},
		async close() {
			await Promise.all(servers.map(server => server.close()));
		},
	};
}

interface Memory {
	/** The servers, by host, that gave a blob which turned out to be something else. */
	readonly suspects: Lru<Digest, ReadonlySet<string>>;
	/** Failures that were told of: the last one is repeated while a server is given a rest. */
	readonly told: WeakSet<object>;
}

const maxSuspects = 10_000;

function inOrder(members: readonly Upstream[], memory: Memory): Upstream {
	const ask = <R>(options: OperationOptions, work: (member: Upstream) => Promise<R>, asked = members): Promise<R> =>
		firstAnswer(asked, memory, options, work);
	const [first] = members;
	return {
		host: members.map(({host}) => host).join(', '),
		namespace: first?.namespace ?? '*',
		resolve: (name, wanted, options) => ask(options, member => member.resolve(name, wanted, options)),
		manifest: (name, descriptor, options) => ask(options, member => manifestOf(member, name, descriptor, options)),
		async hasBlob(name, digest, options) {
			const found = await ask(options, async member => (await member.hasBlob(name, digest, options)) || undefined);
			return found ?? false;
		},
		async blob(name, digest, options) {
			const wrong = memory.suspects.get(digest) ?? new Set();
			const trusted = members.toSorted((a, b) => Number(wrong.has(a.host)) - Number(wrong.has(b.host)));
			const open = async (member: Upstream) => {
				const blob = await member.blob(name, digest, options);
				return blob === undefined ? undefined : {member, blob};
			};
			const opened = await ask(options, open, trusted);
			if (opened === undefined) return undefined;
			const {bytes, givers} = continueBlob(trusted, opened, {name, digest, options});
			const isWrong = (): void => memory.suspects.set(digest, new Set([...wrong, ...givers].map(String)));
			return {sizeBytes: opened.blob.sizeBytes, bytes, isWrong};
		},
		blobFrom: (name, digest, span, options) => ask(options, member => member.blobFrom(name, digest, span, options)),
		tags: (name, options) => ask(options, member => member.tags(name, options)),
		referrers: (name, subject, options) => ask(options, member => member.referrers(name, subject, options)),
		isDown: options => members.every(member => member.isDown(options)),
		failed: (error, options) => first?.failed(error, options),
	};
}

/** What another server said about the size need not be so. */
async function manifestOf(
	member: Upstream,
	name: string,
	descriptor: Descriptor,
	options: OperationOptions,
): Promise<Buffer> {
	try {
		return await member.manifest(name, descriptor, options);
	} catch (error) {
		if (!hasCode(error, 'ERR_CONTENT_SIZE')) throw error;
		const own = await member.resolve(name, descriptor.digest, options);
		if (own === undefined || own.size === descriptor.size) throw error;
		return await member.manifest(name, own, options);
	}
}

/** @throws what says that the content is absent; else the first failure */
async function firstAnswer<R>(
	members: readonly Upstream[],
	memory: Memory,
	options: OperationOptions,
	work: (member: Upstream) => Promise<R>,
): Promise<R> {
	let absence: {readonly value: R} | {readonly error: unknown} | undefined;
	let failure: unknown;
	const isUp = members.map(member => !member.isDown(options));
	const ordered = [...members.filter((_, i) => isUp[i]), ...members.filter((_, i) => !isUp[i])];
	const upCount = isUp.filter(Boolean).length;
	for (const [at, member] of ordered.entries()) {
		// When none was up, each may be the one that is back.
		if (upCount > 0 && at >= upCount && absence !== undefined) break;
		try {
			const value = await work(member);
			if (value !== undefined) return value;
			absence ??= {value};
		} catch (error) {
			options.signal?.throwIfAborted();
			if (hasCode(error, 'ERR_CONTENT_MISSING') || hasCode(error, 'ERR_IMAGE_UNKNOWN')) {
				absence ??= {error};
				continue;
			}
			failure ??= error;
			tell(member, memory, error, options);
		}
	}
	if (absence === undefined) throw failure;
	if ('error' in absence) throw absence.error;
	return absence.value;
}

function tell(member: Upstream, {told}: Memory, error: unknown, options: OperationOptions): void {
	if (!(error instanceof Error) || told.has(error)) return;
	told.add(error);
	emit(options, {
		type: 'warning',
		code: 'UpstreamPassedOver',
		message: `${member.host} is passed over: ${error.message}`,
	});
}
