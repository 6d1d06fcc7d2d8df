import {createReadStream} from 'node:fs';
import {readFile, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {writeFileAtomic} from '../../../core/atomic-file.js';
import type {Abortable} from '../../../core/events.js';
import {ifExists} from '../../../core/io-error.js';
import {createDigester, type Digest, isDigest} from '../../../oci/digest.js';

/** A file with its digest. */
export interface Measured {
	readonly name: string;
	readonly path: string;
	readonly mode: number;
	readonly sizeBytes: number;
	readonly digest: Digest;
}

/** What was true of a file when it was read: as long as it is, the file need not be read again. */
interface Note {
	readonly sizeBytes: number;
	readonly ctimeMs: number;
	readonly inode: number;
	readonly digest: Digest;
}

/**
 * The digests of files in a folder of ours, remembered in the folder. Undefined when one is missing, or is not what it was when it was
 * first measured: then it was damaged.
 */
export async function measure(
	folder: string,
	files: readonly {readonly name: string; readonly mode: number}[],
	options: Abortable,
): Promise<readonly Measured[] | undefined> {
	const notes = join(folder, notesName);
	const known = await readNotes(notes);
	const now: {[name: string]: Note} = {};
	const measured: Measured[] = [];
	for (const {name, mode} of files) {
		const path = join(folder, name);
		const facts = await ifExists(() => stat(path));
		if (facts?.isFile() !== true) return undefined;
		const before = Object.hasOwn(known, name) ? known[name] : undefined;
		const {size: sizeBytes, ctimeMs, ino: inode} = facts;
		const same = before?.sizeBytes === sizeBytes && before.ctimeMs === ctimeMs && before.inode === inode;
		const digest = same ? before.digest : await digestOfFile(path, options);
		if (before !== undefined && before.digest !== digest) return undefined;
		now[name] = {sizeBytes, ctimeMs, inode, digest};
		measured.push({name, path, mode, sizeBytes, digest});
	}
	// The cache may be read-only: then the files are read each time.
	if (JSON.stringify(now) !== JSON.stringify(known))
		await writeFileAtomic(notes, JSON.stringify(now)).catch(() => undefined);
	return measured;
}

/** The digest of a whole file. */
export async function digestOfFile(path: string, {signal}: Abortable): Promise<Digest> {
	const digester = createDigester();
	for await (const chunk of createReadStream(path, {highWaterMark: 1024 * 1024, signal}))
		digester.update(chunk as Buffer);
	return digester.finish();
}

const notesName = '.measured.json';

async function readNotes(path: string): Promise<Readonly<{[name: string]: Note}>> {
	const text = await ifExists(() => readFile(path, 'utf8'));
	try {
		const notes = JSON.parse(text ?? '{}') as {[name: string]: Note};
		return Object.values(notes).every(note => isDigest(note?.digest)) ? notes : {};
	} catch {
		return {};
	}
}
