import {
	closeSync,
	fchmodSync,
	fchownSync,
	fdatasync,
	ftruncateSync,
	futimesSync,
	openSync,
	write,
	writeSync,
} from 'node:fs';
import {join} from 'node:path';
import {SealError} from '../../core/errors.js';
import {createGate} from '../../core/pool.js';
import {createDigester, type Digest, type Digester} from '../../oci/digest.js';
import {timeOf} from '../../oci/disk/write.js';
import type {XattrList} from '../../oci/disk/xattrs.js';
import type {EntryHeader} from '../../oci/entry.js';
import type {IndexedEntry, SparseMap} from '../../oci/layer/layer-index.js';
import {TarParser} from '../../oci/tar/parse.js';
import {contentDigestAlgorithm, registryFileOf} from './registry-paths.js';

/** Pieces from this size on are written in the thread pool, while they are hashed here. */
const pooledBytes = 64 * 1024;

/** Contents from this size on go to the disk while the next ones are unpacked, so that the flush at the end has little to wait for. */
const earlyFlushBytes = 4 * 1024 * 1024;
/** One at a time: the thread pool has other work. */
const flushGate = createGate(1);
/** Files of one layer that wait for it. */
const maxFlushing = 8;

export interface LayerWriterOptions {
	/** Give files their owners: only root may. */
	readonly owners: boolean;
	/** Everything will be flushed before it counts. */
	readonly flushEarly: boolean;
}

/**
 * Takes the plain tar of a layer in chunks and writes the content of each file to a file of its own in an empty folder, named by
 * number: no name out of the archive touches the disk.
 */
export class LayerWriter {
	readonly entries: IndexedEntry[] = [];
	readonly digests: Map<number, Digest> = new Map();
	readonly xattrs: XattrList = [];
	writtenBytes = 0;
	readonly #folder: string;
	readonly #options: LayerWriterOptions;
	readonly #parser: TarParser;
	readonly #steps: Step[] = [];
	readonly #flushing: Promise<void>[] = [];
	#open: OpenContent | undefined;

	constructor(folder: string, options: LayerWriterOptions) {
		this.#folder = folder;
		this.#options = options;
		this.#parser = new TarParser({
			entry: (entry, storedBytes) => void this.#steps.push({kind: 'entry', entry, storedBytes}),
			data: (piece, last) => void this.#steps.push({kind: 'data', piece, last}),
		});
	}

	/** @throws SealError ERR_TAR_FORMAT, ERR_TAR_LIMIT, ERR_UNSAFE_PATH, the system's error of a write that fails */
	async push(chunk: Uint8Array): Promise<void> {
		this.#parser.push(chunk);
		for (const step of this.#steps) {
			if (step.kind === 'entry') this.#enter(step.entry, step.storedBytes);
			else await this.#write(step.piece, step.last);
		}
		this.#steps.length = 0;
		while (this.#flushing.length > maxFlushing) await this.#flushing.shift();
	}

	/** @throws SealError ERR_TAR_FORMAT when the archive ends too early */
	async finish(): Promise<void> {
		this.#parser.finish();
		await Promise.all(this.#flushing);
	}

	/** Lets go of all files, also after a failure. */
	async close(): Promise<void> {
		await Promise.allSettled(this.#flushing);
		if (this.#open !== undefined) closeSync(this.#open.file);
		this.#open = undefined;
	}

	#enter(entry: IndexedEntry, storedBytes: number): void {
		const number = this.entries.length;
		const {sparse} = entry;
		const header = keptHeader(entry.header);
		this.entries.push({...entry, header, offset: number});
		if (header.type !== 'file' || header.size === 0) return;
		const file = openSync(join(this.#folder, String(number)), 'wx', 0o600);
		const digester = createDigester(contentDigestAlgorithm(header.path));
		this.#open = {number, file, header, sparse, digester, position: 0, piece: 0, pieceDone: 0};
		if (header.xattrs !== undefined) this.xattrs.push({path: String(number), xattrs: header.xattrs});
		if (storedBytes === 0) this.#settle(this.#open);
	}

	async #write(bytes: Uint8Array, last: boolean): Promise<void> {
		const open = this.#open;
		if (open === undefined) return;
		this.writtenBytes += bytes.length;
		const writing = open.sparse === undefined ? writeRange(open, bytes) : writePieces(open, open.sparse, bytes);
		open.digester.update(bytes);
		await writing;
		if (last) this.#settle(open);
	}

	/** The owner first: changing it clears setuid bits. */
	#settle(open: OpenContent): void {
		const {file, header, digester} = open;
		if (open.sparse !== undefined) ftruncateSync(file, header.size);
		if (this.#options.owners) fchownSync(file, header.uid, header.gid);
		fchmodSync(file, header.mode);
		futimesSync(file, timeOf(header), timeOf(header));
		this.digests.set(open.number, digester.finish());
		this.#open = undefined;
		if (this.#options.flushEarly && header.size >= earlyFlushBytes) this.#flushLater(file);
		else closeSync(file);
	}

	#flushLater(file: number): void {
		const flushed = flushGate.run(() => flushAndClose(file));
		// Who finishes meets the failure.
		flushed.catch(() => undefined);
		this.#flushing.push(flushed);
	}
}

async function flushAndClose(file: number): Promise<void> {
	try {
		await new Promise<void>((resolve, reject) => {
			fdatasync(file, error => (error === null ? resolve() : reject(error)));
		});
	} finally {
		closeSync(file);
	}
}

/**
 * Files of the registry are the only ones that others than root can reach. Whatever an image says of them, nobody can run one as
 * another user or write to it.
 */
function keptHeader(header: EntryHeader): EntryHeader {
	if (registryFileOf(header.path) === undefined || header.type !== 'file') return header;
	const {xattrs: _, ...rest} = header;
	return {...rest, mode: 0o644, uid: 0, gid: 0};
}

type Step =
	| {readonly kind: 'entry'; readonly entry: IndexedEntry; readonly storedBytes: number}
	| {readonly kind: 'data'; readonly piece: Uint8Array; readonly last: boolean};

interface OpenContent {
	readonly number: number;
	readonly file: number;
	readonly header: EntryHeader;
	readonly sparse: SparseMap | undefined;
	readonly digester: Digester;
	position: number;
	/** Of a sparse file: the piece of its map that is being written, and how much of that is done. */
	piece: number;
	pieceDone: number;
}

function writeRange(open: OpenContent, bytes: Uint8Array): Promise<void> | undefined {
	const {position} = open;
	open.position += bytes.length;
	if (bytes.length >= pooledBytes) return writePooled(open.file, bytes, position);
	for (let done = 0; done < bytes.length; )
		done += writeSync(open.file, bytes, done, bytes.length - done, position + done);
	return undefined;
}

async function writePooled(file: number, bytes: Uint8Array, position: number): Promise<void> {
	for (let done = 0; done < bytes.length; ) {
		done += await new Promise<number>((resolve, reject) => {
			write(file, bytes, done, bytes.length - done, position + done, (error, length) =>
				error === null ? resolve(length) : reject(error),
			);
		});
	}
}

/** The stored bytes of a sparse file, each stretch at its place: what lies between stays a hole on the disk too. */
async function writePieces(open: OpenContent, map: SparseMap, bytes: Uint8Array): Promise<void> {
	for (let done = 0; done < bytes.length; ) {
		const offset = map[open.piece * 2];
		const length = map[open.piece * 2 + 1];
		if (offset === undefined || length === undefined)
			throw new SealError('ERR_TAR_FORMAT', `The sparse file ${open.header.path} has more data than its map says`);
		const taken = Math.min(length - open.pieceDone, bytes.length - done);
		open.position = offset + open.pieceDone;
		await writeRange(open, bytes.subarray(done, done + taken));
		done += taken;
		open.pieceDone += taken;
		if (open.pieceDone === length) {
			open.piece++;
			open.pieceDone = 0;
		}
	}
}
