import {SealError} from '../../core/errors.js';
import {decodeName} from '../../core/name.js';
import type {IndexedEntry} from '../layer/layer-index.js';
import {type RawHeader, readBlock, readNumber} from './block.js';
import {gnuFlags, mergeHeader, storedSize} from './entry-header.js';
import {blockBytes, flags} from './header.js';
import {applyRecords, type Overrides} from './overrides.js';
import {parsePax} from './pax.js';
import {checkSparse, readSparseFields} from './sparse.js';
import {createSparseMapReader, type SparseMapReader} from './sparse-map.js';
import {paddingOf} from './write.js';

/** What a parser tells as it goes. */
export interface TarHandler {
	/** `storedBytes` of content follow in the archive: for sparse files less than their size. */
	entry(entry: IndexedEntry, storedBytes: number): void;
	/** A piece of the stored content of the last entry, a view of the pushed chunk; `last` with the final one. */
	readonly data?: ((piece: Uint8Array, last: boolean) => void) | undefined;
}

export interface TarLimits {
	/** More names than this are refused. Default 1,000,000. */
	readonly limitEntries?: number | undefined;
}

/** A block of PAX records or a long name may be this long; longer ones only serve to fill memory. */
const limitExtensionBytes = 1024 * 1024;
/** All of them together: attributes and maps stay in memory as long as the index of the archive does. */
const limitExtensionTotalBytes = 256 * 1024 * 1024;
const globalPax = 0x67;
/** Solaris' name for a PAX header. */
const oldPax = 0x58;

/** Reads an archive that is pushed into it in chunks of any size. After an error no call may follow. */
export class TarParser {
	readonly #handler: TarHandler;
	readonly #limitEntries: number;
	readonly #global: Overrides = {};
	#local: Overrides = {};
	#entries = 0;
	#zeroBlocks = 0;
	#extensionBytes = 0;
	#offset = 0;
	#dataLeft = 0;
	#skipping = false;
	#paddingLeft = 0;
	/** Called with the next `#need` bytes; `#held` are those of them that came in earlier chunks. */
	#next: (block: Buffer) => void;
	#need = blockBytes;
	#held: Buffer[] = [];
	#heldBytes = 0;

	constructor(handler: TarHandler, limits: TarLimits = {}) {
		this.#handler = handler;
		this.#limitEntries = limits.limitEntries ?? 1_000_000;
		this.#next = this.#onHeader;
	}

	/** @throws SealError ERR_TAR_FORMAT, ERR_TAR_LIMIT, ERR_UNSAFE_PATH */
	push(chunk: Uint8Array): void {
		const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
		let at = 0;
		while (at < bytes.length) {
			const rest = bytes.length - at;
			let taken: number;
			if (this.#dataLeft > 0) taken = this.#takeData(bytes, at);
			else if (this.#paddingLeft > 0) {
				taken = Math.min(rest, this.#paddingLeft);
				this.#paddingLeft -= taken;
				this.#offset += taken;
			} else if (this.#zeroBlocks === 2) taken = rest;
			else taken = this.#takeBlock(bytes, at);
			at += taken;
		}
	}

	/** @throws SealError ERR_TAR_FORMAT when the archive ends in the middle of an entry */
	finish(): void {
		const between = this.#next === this.#onHeader && Object.keys(this.#local).length === 0;
		if (this.#dataLeft + this.#heldBytes > 0 || !between)
			throw bad('ends in the middle of an entry', 'Check that it was copied completely.');
	}

	#takeData(bytes: Buffer, at: number): number {
		const taken = Math.min(bytes.length - at, this.#dataLeft);
		this.#dataLeft -= taken;
		this.#offset += taken;
		if (!this.#skipping) this.#handler.data?.(bytes.subarray(at, at + taken), this.#dataLeft === 0);
		return taken;
	}

	#takeBlock(bytes: Buffer, at: number): number {
		const taken = Math.min(bytes.length - at, this.#need - this.#heldBytes);
		const part = bytes.subarray(at, at + taken);
		this.#offset += taken;
		if (this.#heldBytes + taken < this.#need) {
			this.#held.push(part);
			this.#heldBytes += taken;
			return taken;
		}
		const block = this.#heldBytes === 0 ? part : Buffer.concat([...this.#held, part]);
		this.#held = [];
		this.#heldBytes = 0;
		this.#next(block);
		return taken;
	}

	#expect(next: (block: Buffer) => void, need = blockBytes): void {
		this.#next = next;
		this.#need = need;
	}

	#onHeader(block: Buffer): void {
		const raw = readBlock(block);
		if (raw === 'zeros') {
			this.#zeroBlocks++;
			return;
		}
		if (this.#zeroBlocks > 0) throw bad('goes on after the mark of its end');
		switch (raw.flag) {
			case flags.pax:
			case oldPax:
				this.#extend(raw, records => applyRecords(this.#local, parsePax(records), false));
				break;
			case globalPax:
				this.#extend(raw, records => applyRecords(this.#global, parsePax(records), true));
				break;
			case gnuFlags.longName:
				this.#extend(raw, name => {
					this.#local.path ??= longName(name);
				});
				break;
			case gnuFlags.longLink:
				this.#extend(raw, name => {
					this.#local.linkpath ??= longName(name);
				});
				break;
			case gnuFlags.volume:
				this.#content(storedSize(raw, this.#local), true);
				break;
			case gnuFlags.sparse:
				this.#oldSparse(block, raw);
				break;
			default:
				if (this.#local.sparse?.mapInData === true) this.#mapInData(raw);
				else this.#entry(raw, 0);
		}
	}

	/** Reads what describes the next entry. */
	#extend(raw: RawHeader, apply: (extension: Buffer) => void): void {
		if (raw.size < 0) throw bad('has an extended header of negative size');
		if (raw.size > limitExtensionBytes)
			throw new SealError('ERR_TAR_LIMIT', `The archive has an extended header of ${raw.size} bytes`);
		if (raw.size === 0) return;
		this.#countExtension(raw.size);
		this.#expect(padded => {
			this.#expect(this.#onHeader);
			apply(padded.subarray(0, raw.size));
		}, raw.size + paddingOf(raw.size));
	}

	#countExtension(sizeBytes: number): void {
		this.#extensionBytes += sizeBytes;
		if (this.#extensionBytes > limitExtensionTotalBytes)
			throw new SealError('ERR_TAR_LIMIT', 'The archive has more than 256 MiB of extended headers');
	}

	#oldSparse(first: Buffer, raw: RawHeader): void {
		const map: number[] = [];
		readSparseFields(first, 386, 4, map);
		this.#local.sparse = {map, size: readNumber(first, 483, 12, 'size')};
		const more = (block: Buffer): void => {
			this.#countExtension(blockBytes);
			readSparseFields(block, 0, 21, map);
			if (map.length * 12 > limitExtensionBytes)
				throw new SealError('ERR_TAR_LIMIT', 'The archive has a sparse file in too many pieces');
			if (block[504] === 0) this.#entry(raw, 0);
		};
		if (first[482] === 0) this.#entry(raw, 0);
		else this.#expect(more);
	}

	#mapInData(raw: RawHeader): void {
		const reader: SparseMapReader = createSparseMapReader();
		this.#expect(block => {
			this.#countExtension(blockBytes);
			const map = reader.push(block);
			if (map === undefined) return;
			for (const value of map) this.#local.sparse?.map.push(value);
			this.#entry(raw, reader.readBytes);
		});
	}

	#entry(raw: RawHeader, mapBytes: number): void {
		this.#entries++;
		if (this.#entries > this.#limitEntries)
			throw new SealError('ERR_TAR_LIMIT', `The archive has more than the ${this.#limitEntries} entries allowed here`);
		const header = mergeHeader(raw, this.#local, this.#global);
		const stored = storedSize(raw, this.#local) - mapBytes;
		const sparse = header.type === 'file' ? this.#local.sparse?.map : undefined;
		if (stored < 0) throw bad(`has a sparse file that is shorter than its map: ${header.path}`);
		if (sparse !== undefined) checkSparse(sparse, header.size, stored);
		const delivered = header.type === 'file';
		this.#handler.entry(
			{header, offset: this.#offset, ...(sparse === undefined ? {} : {sparse})},
			delivered ? stored : 0,
		);
		this.#content(stored, !delivered);
	}

	#content(storedBytes: number, skip: boolean): void {
		this.#local = {};
		this.#skipping = skip;
		this.#dataLeft = storedBytes;
		this.#paddingLeft = paddingOf(storedBytes);
		this.#expect(this.#onHeader);
	}
}

function longName(bytes: Buffer): string {
	const end = bytes.indexOf(0);
	return decodeName(end < 0 ? bytes : bytes.subarray(0, end));
}

function bad(what: string, hint?: string): SealError {
	return new SealError('ERR_TAR_FORMAT', `The archive ${what}`, {hint});
}
