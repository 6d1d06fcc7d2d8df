import {mkdir, readdir, readFile, stat} from 'node:fs/promises';
import {join} from 'node:path';
import {writeFileAtomic} from '../../core/atomic-file.js';
import {SealError, systemCode} from '../../core/errors.js';
import {ifExists, ioError, withIo} from '../../core/io-error.js';
import {withLock} from '../../core/lock.js';
import {parseJson} from '../config.js';
import {type Descriptor, parseDescriptor} from '../descriptor.js';
import {mediaTypes} from '../media-types.js';

/** image-spec, image-layout.md: the file that marks a folder as a layout. */
export const layoutFile = 'oci-layout';
export const indexFile = 'index.json';
/** Everything of ours beside the layout; the specification allows further files. */
export const privateFolder = '.sealimage';

export const refNameAnnotation = 'org.opencontainers.image.ref.name';
/** containerd and docker take the full name from here, as `ref.name` is often a tag only. */
export const imageNameAnnotation = 'io.containerd.image.name';

/**
 * On an entry of `index.json`: digests, separated by spaces, that the repository of its name must not show although the
 * entry reaches them, because they were deleted there or were never uploaded there.
 */
export const hiddenAnnotation = 'io.sealimage.hidden';

const maxIndexBytes = 64 * 1024 * 1024;
const layoutText = '{"imageLayoutVersion":"1.0.0"}';
/** What a store that died while it was being made consists of, and what file systems put into their root. */
const beginnings: ReadonlySet<string> = new Set([privateFolder, 'blobs', indexFile, 'lost+found']);

export interface LayoutIndex {
	readonly schemaVersion: 2;
	readonly mediaType?: string;
	readonly manifests: readonly Descriptor[];
	readonly annotations?: Readonly<Record<string, string>>;
}

/** How `openLayout` treats a folder that is no layout. */
export interface LayoutOptions {
	readonly create: boolean;
	readonly lockTimeoutMs?: number | undefined;
	readonly signal?: AbortSignal | undefined;
}

/**
 * Checks that `root` is an OCI image layout, or makes it one when it is missing or empty.
 * @throws SealError ERR_LAYOUT_INVALID, ERR_PERMISSION, ERR_IO
 */
export async function openLayout(root: string, options: LayoutOptions): Promise<void> {
	if (await isLayout(root)) return;
	if (!options.create) {
		const found = await withIo('read', root, () => ifExists(() => stat(root)));
		const why = found === undefined ? 'it does not exist' : `there is no ${layoutFile} file`;
		throw new SealError('ERR_LAYOUT_INVALID', `${root} is no OCI image layout: ${why}`, {
			hint: `Name the folder that holds ${layoutFile} and ${indexFile}.`,
		});
	}
	await withIo('make an image store at', root, () => mkdir(root, {recursive: true}));
	const foreign = (await withIo('read', root, () => readdir(root))).filter(name => !beginnings.has(name));
	if (foreign.length > 0 && !(await isLayout(root))) {
		throw new SealError(
			'ERR_LAYOUT_INVALID',
			`${root} holds other files (${foreign.slice(0, 3).join(', ')}) and no image store`,
			{
				hint: 'Choose an empty or a new folder.',
			},
		);
	}
	await withLock(lockPath(root), () => initialize(root), {
		what: `the store ${root}`,
		signal: options.signal,
		...(options.lockTimeoutMs === undefined ? {} : {timeoutMs: options.lockTimeoutMs}),
	});
}

/** The lock of everything that rewrites `index.json`. */
export function lockPath(root: string): string {
	return join(root, privateFolder, 'lock');
}

/** @throws SealError ERR_STORE_DAMAGED when it is not the index of a layout */
export async function readIndex(root: string): Promise<LayoutIndex> {
	const path = join(root, indexFile);
	const found = await withIo('read', path, () => ifExists(() => readFile(path)));
	if (found === undefined) throw damaged(root, `there is no ${indexFile}`);
	return parseIndex(found, root);
}

/** Reads the bytes of an `index.json`. @throws SealError ERR_STORE_DAMAGED */
export function parseIndex(bytes: Uint8Array, root: string): LayoutIndex {
	if (bytes.length > maxIndexBytes) throw damaged(root, `${indexFile} has ${bytes.length} bytes`);
	try {
		const value = parseJson(bytes, indexFile) as {manifests?: unknown};
		// umoci before 0.4 and some scripts write null for an empty list.
		const manifests = value.manifests ?? [];
		if (!Array.isArray(manifests)) throw new SealError('ERR_MANIFEST_INVALID', 'manifests is no list');
		return {
			...value,
			schemaVersion: 2,
			manifests: manifests.map((item, i) => parseDescriptor(item, `${indexFile} manifests[${i}]`)),
		};
	} catch (error) {
		throw damaged(root, `${indexFile} is damaged: ${(error as Error).message}`, error);
	}
}

/** Replaces `index.json`. The caller holds the lock. @throws SealError ERR_NO_SPACE when it would be too long to be read again */
export async function writeIndex(
	root: string,
	index: LayoutIndex,
	options: {readonly sync: boolean; readonly tempDir?: string},
): Promise<void> {
	const text = formatIndex(index);
	if (Buffer.byteLength(text) > maxIndexBytes) {
		throw new SealError('ERR_NO_SPACE', `The image layout ${root} cannot hold ${index.manifests.length} names`, {
			hint: 'Remove names that are not needed, or use another store.',
		});
	}
	await writeFileAtomic(join(root, indexFile), text, options);
}

export function formatIndex(index: LayoutIndex): string {
	const {schemaVersion, mediaType = mediaTypes.index, manifests, ...rest} = index;
	return JSON.stringify({schemaVersion, mediaType, manifests, ...rest});
}

/** The names that an entry of `index.json` carries, as they are written there. */
export function namesOf(entry: Descriptor): readonly string[] {
	const {[refNameAnnotation]: refName, [imageNameAnnotation]: imageName} = entry.annotations ?? {};
	const names = [imageName, refName].filter(name => typeof name === 'string' && name !== '') as string[];
	return [...new Set(names)];
}

/** An entry without its names and what only holds under them: what `resolve` gives. */
export function withoutName(entry: Descriptor): Descriptor {
	const {annotations, ...rest} = entry;
	const {[refNameAnnotation]: _, [imageNameAnnotation]: __, [hiddenAnnotation]: ___, ...kept} = annotations ?? {};
	return Object.keys(kept).length === 0 ? rest : {...rest, annotations: kept};
}

/** @throws SealError ERR_LAYOUT_INVALID when `root` is something else than a folder, or a layout of the future */
async function isLayout(root: string): Promise<boolean> {
	const folder = await withIo('open', root, () => ifExists(() => stat(root)));
	if (folder === undefined) return false;
	if (!folder.isDirectory()) {
		throw new SealError('ERR_LAYOUT_INVALID', `${root} is a file, expected a folder`, {hint: 'Name a folder.'});
	}
	const path = join(root, layoutFile);
	const bytes = await withIo('read', path, () => ifExists(() => readFile(path)));
	if (bytes === undefined) return false;
	checkLayoutVersion(bytes, root);
	return true;
}

/** Checks the content of an `oci-layout` file. @throws SealError ERR_LAYOUT_INVALID */
export function checkLayoutVersion(bytes: Uint8Array, root: string): void {
	let version: unknown;
	try {
		version = (parseJson(bytes, layoutFile) as {imageLayoutVersion?: unknown}).imageLayoutVersion;
	} catch (error) {
		throw new SealError('ERR_LAYOUT_INVALID', `The ${layoutFile} file of ${root} is damaged`, {cause: error});
	}
	if (typeof version !== 'string' || !/^1\.\d+\.\d+$/.test(version)) {
		throw new SealError(
			'ERR_LAYOUT_INVALID',
			`${root} has image layout version ${JSON.stringify(version)}, this program reads 1.0.0`,
			{hint: 'Use a newer release of sealimage, or another folder.'},
		);
	}
}

/** The marker file comes last: a folder that has it is whole. */
async function initialize(root: string): Promise<void> {
	// Beside the files they would be foreign to another process that looks at the folder now.
	const tempDir = join(root, privateFolder);
	try {
		await mkdir(join(root, 'blobs', 'sha256'), {recursive: true});
		const hasIndex = await ifExists(() => stat(join(root, indexFile)));
		if (hasIndex === undefined) await writeIndex(root, {schemaVersion: 2, manifests: []}, {sync: true, tempDir});
		const hasLayout = await ifExists(() => stat(join(root, layoutFile)));
		if (hasLayout === undefined) await writeFileAtomic(join(root, layoutFile), layoutText, {tempDir});
	} catch (error) {
		throw systemCode(error) === undefined ? error : ioError(error, 'make an image store at', root);
	}
}

function damaged(root: string, why: string, cause?: unknown): SealError {
	return new SealError('ERR_STORE_DAMAGED', `The image layout ${root} is damaged: ${why}`, {
		hint: 'Restore the file from a copy, or move the folder away and start anew.',
		cause,
	});
}
