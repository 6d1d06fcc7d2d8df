import {
	chmodSync,
	closeSync,
	constants,
	fchmodSync,
	fchownSync,
	futimesSync,
	lchownSync,
	linkSync,
	lstatSync,
	lutimesSync,
	mkdirSync,
	openSync,
	readdirSync,
	type Stats,
	symlinkSync,
	unlinkSync,
	writeSync,
} from 'node:fs';
import {setImmediate as breathe} from 'node:timers/promises';
import type {Bytes} from '../../core/bytes.js';
import {systemCode} from '../../core/errors.js';
import {emit, type OperationOptions} from '../../core/events.js';
import {ioError} from '../../core/io-error.js';
import {encodeName} from '../../core/name.js';
import type {EntryContent, EntryHeader, LayerEntry} from '../entry.js';
import {type LayerSource, streamContents} from '../layer/content.js';
import {removalOf} from '../layer/whiteout.js';
import {checkEntryPath, diskPath, lstatIfExists, parentOf, unsafePath} from './path.js';
import {removeTree} from './remove.js';
import {makeSpecial} from './special.js';
import {writeXattrs, type XattrList} from './xattrs.js';

export interface DiskWriteOptions extends OperationOptions {
	/** Give files their owners: only root (of a user namespace at least) may. */
	readonly owners: boolean;
	/** True for a folder that is known to be empty: nothing is looked for that could be replaced. */
	readonly fresh: boolean;
	/**
	 * A file on the same file system that has this content already, with the mode, owner, times and attributes of its entry: it gets
	 * one more name instead of being copied.
	 */
	readonly existing?: ((content: EntryContent) => string | undefined) | undefined;
}

export interface DiskWriteReport {
	readonly entries: number;
	readonly sizeBytes: number;
	readonly skippedDevices: readonly string[];
}

/**
 * Applies entries to the folder `root` as image-spec's layer.md says: whiteouts hide what is there, a directory over a
 * directory updates it, everything else replaces. Contents are read in one pass per layer. No path is followed through a
 * symbolic link, so nothing outside `root` is touched; nobody else may write to `root` meanwhile.
 * @throws SealError ERR_UNSAFE_PATH, ERR_NO_SPACE, ERR_PERMISSION, ERR_IO, and what reading content throws
 */
export async function writeToDisk(
	entries: Iterable<LayerEntry>,
	store: LayerSource,
	root: string,
	options: DiskWriteOptions,
): Promise<DiskWriteReport> {
	const writer = new DiskWriter(root, options);
	try {
		await writer.lay(entries);
		await writer.fill(store);
		await writer.finish();
	} catch (error) {
		throw ioError(error, 'write to', root);
	}
	return {entries: writer.entries, sizeBytes: writer.sizeBytes, skippedDevices: writer.skippedDevices};
}

/** How many names are handled between two looks at the signal, other work getting its turn. */
const batch = 256;

class DiskWriter {
	entries = 0;
	sizeBytes = 0;
	readonly skippedDevices: string[] = [];
	readonly #root: string;
	readonly #options: DiskWriteOptions;
	/** Directories known to be real ones, the root included. */
	readonly #directories = new Set<string>(['']);
	/** What directories look like when all is done, parents first. */
	readonly #settled = new Map<string, EntryHeader>();
	readonly #files: LayerEntry[] = [];
	/** The names that share one content object, by that object. */
	readonly #names = new Map<object, EntryHeader[]>();
	readonly #links: EntryHeader[] = [];
	readonly #specials: EntryHeader[] = [];
	readonly #xattrs: XattrList = [];
	#unownable = 0;

	constructor(root: string, options: DiskWriteOptions) {
		this.#root = root;
		this.#options = options;
	}

	/** Makes directories and empty files, removes what is replaced, and sorts the rest by what has to be done. */
	async lay(entries: Iterable<LayerEntry>): Promise<void> {
		const list = this.#options.fresh ? entries : [...entries];
		if (!this.#options.fresh) {
			this.#open('', lstatSync(this.#root));
			for (const {header} of list) await this.#hide(header.path);
		}
		let count = 0;
		for (const entry of list) {
			if (++count % batch === 0) await this.#breathe();
			const {path} = entry.header;
			checkEntryPath(path);
			if (removalOf(path) !== undefined) continue;
			this.#enter(parentOf(path));
			if (entry.header.type === 'directory') await this.#layDirectory(entry.header);
			else await this.#layOther(entry);
			if (entry.header.xattrs !== undefined && !this.#isLinked(entry))
				this.#xattrs.push({path, xattrs: entry.header.xattrs});
			if (path !== '') this.entries++;
		}
	}

	/** Writes file contents in the order of the layers, then the other names of each. */
	async fill(store: LayerSource): Promise<void> {
		for await (const {entry, bytes} of streamContents(this.#files, store, this.#options))
			await this.#writeFile(entry.header, bytes);
		for (const {content, header} of this.#files) {
			for (const name of this.#names.get(content as object) ?? []) this.#link(header.path, name.path);
		}
		for (const header of this.#links) this.#link(header.linkname as string, header.path);
	}

	/** Symbolic links come after every file, so that none is there to be followed; times of directories come last. */
	async finish(): Promise<void> {
		for (const header of this.#specials) {
			this.#options.signal?.throwIfAborted();
			await this.#makeSpecial(header);
		}
		await writeXattrs(this.#root, this.#xattrs, this.#options);
		// Children first: a parent's mode may shut us out.
		for (const header of [...this.#settled.values()].reverse()) this.#settle(header);
		if (this.#unownable > 0) {
			emit(this.#options, {
				type: 'warning',
				code: 'OwnersOutOfRange',
				message: `${this.#unownable} files keep the owner root: their ids are outside the range of this user namespace`,
			});
		}
	}

	async #breathe(): Promise<void> {
		this.#options.signal?.throwIfAborted();
		await breathe();
	}

	/** Applies a whiteout. They hide what was there before, wherever in the list they stand. */
	async #hide(path: string): Promise<void> {
		const removal = removalOf(path);
		if (removal === undefined) return;
		checkEntryPath(path);
		if (removal.kind === 'name') {
			checkEntryPath(removal.path);
			if (removal.path === '') throw unsafePath(path, 'is a whiteout of the root');
			if (!this.#isDirectory(parentOf(removal.path))) return;
			await removeTree(diskPath(this.#root, removal.path));
		} else {
			if (!this.#isDirectory(removal.folder)) return;
			const folder = diskPath(this.#root, removal.folder);
			for (const child of readdirSync(folder, {encoding: 'buffer'}))
				await removeTree(Buffer.concat([Buffer.from(folder), Buffer.from('/'), child]));
		}
		this.#forgetDirectories();
	}

	async #layDirectory(header: EntryHeader): Promise<void> {
		if (!this.#directories.has(header.path) && !(await this.#makeWay(header.path, true))) this.#mkdir(header.path);
		this.#directories.add(header.path);
		this.#settled.set(header.path, header);
	}

	async #layOther(entry: LayerEntry): Promise<void> {
		const {header, content} = entry;
		await this.#makeWay(header.path, false);
		if (header.type === 'hardlink') {
			if (header.linkname === undefined) throw unsafePath(header.path, 'is a hard link to nothing');
			checkEntryPath(header.linkname);
			this.#links.push(header);
		} else if (header.type !== 'file') {
			this.#specials.push(header);
		} else if (content === undefined || header.size === 0) {
			this.#closeFile(this.#openFile(header.path), header);
		} else {
			const existing = this.#options.existing?.(content);
			if (existing !== undefined) return linkSync(existing, diskPath(this.#root, header.path));
			const names = this.#names.get(content);
			if (names === undefined) {
				this.#names.set(content, []);
				this.#files.push(entry);
			} else {
				names.push(header);
			}
		}
	}

	#isLinked({content}: LayerEntry): boolean {
		return content !== undefined && this.#options.existing?.(content) !== undefined;
	}

	/** Removes what is at `path` unless it is a directory that may stay; true when it stays. */
	async #makeWay(path: string, directory: boolean): Promise<boolean> {
		if (this.#options.fresh) return false;
		const full = diskPath(this.#root, path);
		const found = lstatIfExists(full);
		if (found === undefined) return false;
		if (!found.isDirectory()) {
			unlinkSync(full);
			return false;
		}
		if (directory) {
			chmodSync(full, 0o700);
			return true;
		}
		await removeTree(full);
		this.#forgetDirectories();
		return false;
	}

	/** Makes sure that every component of `path` is a real directory, making those that are missing. */
	#enter(path: string): void {
		if (this.#directories.has(path)) return;
		this.#enter(parentOf(path));
		const found = this.#options.fresh ? undefined : lstatIfExists(diskPath(this.#root, path));
		if (found === undefined) {
			this.#mkdir(path);
			this.#settled.set(path, {path, type: 'directory', mode: 0o755, uid: 0, gid: 0, size: 0, mtime: 0});
		} else if (found.isDirectory()) {
			this.#open(path, found);
		} else {
			throw unsafePath(path, 'is no directory, yet something lies below it');
		}
		this.#directories.add(path);
	}

	#isDirectory(path: string): boolean {
		if (this.#directories.has(path)) return true;
		if (!this.#isDirectory(parentOf(path))) return false;
		const found = lstatIfExists(diskPath(this.#root, path));
		if (found?.isDirectory() !== true) return false;
		this.#open(path, found);
		this.#directories.add(path);
		return true;
	}

	/** Makes a directory that was there writable, to look as before when all is done. */
	#open(path: string, found: Stats): void {
		if (this.#settled.has(path)) return;
		const mtime = Math.floor(found.mtimeMs / 1000);
		const mtimeNsec = Math.floor((found.mtimeMs - mtime * 1000) * 1e6);
		const {uid, gid} = found;
		this.#settled.set(path, {path, type: 'directory', mode: found.mode & 0o7777, uid, gid, size: 0, mtime, mtimeNsec});
		chmodSync(diskPath(this.#root, path), 0o700);
	}

	#forgetDirectories(): void {
		this.#directories.clear();
		this.#directories.add('');
	}

	#mkdir(path: string): void {
		mkdirSync(diskPath(this.#root, path), 0o700);
	}

	#openFile(path: string): number {
		const {O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY} = constants;
		return openSync(diskPath(this.#root, path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
	}

	async #writeFile(header: EntryHeader, bytes: Bytes): Promise<void> {
		this.#options.signal?.throwIfAborted();
		const file = this.#openFile(header.path);
		let done = false;
		try {
			for await (const chunk of bytes) {
				for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
				this.sizeBytes += chunk.length;
			}
			done = true;
		} finally {
			if (!done) closeSync(file);
		}
		this.#closeFile(file, header);
	}

	/** The owner first: changing it clears setuid bits. */
	#closeFile(file: number, header: EntryHeader): void {
		try {
			this.#own(() => fchownSync(file, header.uid, header.gid));
			fchmodSync(file, header.mode);
			futimesSync(file, timeOf(header), timeOf(header));
		} finally {
			closeSync(file);
		}
	}

	#link(from: string, to: string): void {
		if (!this.#isDirectory(parentOf(from)))
			throw unsafePath(to, `is a hard link to ${JSON.stringify(from)}, which is not there`);
		linkSync(diskPath(this.#root, from), diskPath(this.#root, to));
	}

	async #makeSpecial(header: EntryHeader): Promise<void> {
		const full = diskPath(this.#root, header.path);
		if (header.type === 'symlink') {
			symlinkSync(
				/[\ud800-\udfff]/.test(header.linkname ?? '') ? encodeName(header.linkname ?? '') : (header.linkname ?? ''),
				full,
			);
		} else if (!(await makeSpecial(full, header))) {
			this.skippedDevices.push(header.path);
			return;
		}
		this.#own(() => lchownSync(full, header.uid, header.gid));
		if (header.type !== 'symlink') chmodSync(full, header.mode);
		lutimesSync(full, timeOf(header), timeOf(header));
	}

	#settle(header: EntryHeader): void {
		const full = diskPath(this.#root, header.path);
		if (lstatIfExists(full)?.isDirectory() !== true) return;
		this.#own(() => lchownSync(full, header.uid, header.gid));
		chmodSync(full, header.mode);
		lutimesSync(full, timeOf(header), timeOf(header));
	}

	#own(chown: () => void): void {
		if (!this.#options.owners) return;
		try {
			chown();
		} catch (error) {
			// user_namespaces(7): ids that the namespace does not map.
			if (systemCode(error) !== 'EINVAL') throw error;
			this.#unownable++;
		}
	}
}

/** Seconds as the file functions take them. Node replaces negative numbers by "now", but not negative texts. */
export function timeOf(header: EntryHeader): number | string {
	const seconds = header.mtime + (header.mtimeNsec ?? 0) / 1e9;
	return seconds < 0 ? String(seconds) : seconds;
}
