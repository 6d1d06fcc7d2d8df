import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import type {Bytes} from '../../core/bytes.js';
import {emit, type OperationOptions, progress} from '../../core/events.js';
import {HostError} from '../host/error.js';
import {type ExecResult, exec} from './exec.js';
import {checkSpace, fileError, plainPath, showPath} from './file-error.js';
import {packTree} from './tar-fs.js';
import type {Transport} from './transport.js';
import {type Found, readListing} from './tree-listing.js';
import {type TreeArguments, type TreeStep, treeWords} from './tree-script.js';
import {readTree, type TreeSource} from './tree-source.js';

export interface UploadTreeOptions extends OperationOptions {
	/** `user` or `user:group` for everything in it; default: who writes it. */
	readonly owner?: string | undefined;
	/** The folder on the host is then just this tree. Default: files go beside those that are there. */
	readonly replace?: boolean | undefined;
	/** Make the folders above it where they are missing. */
	readonly makeFolders?: boolean | undefined;
	readonly as?: 'root' | 'login' | undefined;
	/** What progress events call it; default: the path. */
	readonly id?: string | undefined;
}

export interface TreeReport {
	/** Names below the folder. */
	readonly entries: number;
	/** Contents of files. */
	readonly sizeBytes: number;
	/** What of them went over now. */
	readonly movedBytes: number;
}

/**
 * Brings the contents of a folder to a folder of a host, as a tar stream: modes, times, symbolic and hard links are kept. It is unpacked
 * beside, each file verified by its digest on the host, and only then put in place. An attempt that broke off goes on with
 * the files that did not arrive. An abort leaves nothing behind.
 * @throws HostError ERR_NO_SPACE (before and while sending), ERR_READ_ONLY, ERR_PERMISSION, ERR_IO, ERR_CONTENT_DIGEST when the folder
 * changed meanwhile; what `readTree` and `exec` throw
 */
export async function uploadTree(
	transport: Transport,
	folder: string,
	path: string,
	options: UploadTreeOptions = {},
): Promise<TreeReport> {
	const source = await readTree(folder, options);
	const upload: Upload = {
		transport,
		source,
		options,
		id: options.id ?? path,
		request: {
			path: plainPath(path),
			id: createHash('sha256')
				.update(`${path}\0${options.replace === true}`)
				.digest('hex')
				.slice(0, 16),
			owner: options.owner ?? '',
			replace: options.replace === true,
			parents: options.makeFolders === true,
			resume: false,
		},
	};
	try {
		const found = source.sizeBytes > oneTripBytes ? await look(upload) : nothing;
		const request = {...upload.request, resume: found.part.size > 0};
		const digests = await send({...upload, request}, new Set([...found.part, ...found.here]));
		for (const name of found.part) digests.set(name, await hashOf(`${source.root}/${name}`, options));
		await commit(upload, digests);
		const {sizeBytes} = source;
		return {entries: source.names.length - 1, sizeBytes, movedBytes: sizeBytes - sizeOf(source, found)};
	} catch (error) {
		if (options.signal?.aborted === true) await step(upload, 'discard', {timeoutMs: 10_000}).catch(() => undefined);
		throw error;
	}
}

interface Upload {
	readonly transport: Transport;
	readonly source: TreeSource;
	readonly request: TreeArguments;
	readonly options: UploadTreeOptions;
	readonly id: string;
}

/** Up to this size a question costs more than sending it. */
const oneTripBytes = 1024 * 1024;

async function step(
	{transport, request, options}: Upload,
	name: TreeStep,
	more: {readonly input?: Bytes | string; readonly timeoutMs?: number; readonly signal?: AbortSignal | undefined},
): Promise<ExecResult> {
	const maxOutputBytes = 64 * 1024 * 1024;
	return await exec(transport, treeWords(name, request), {as: options.as, maxOutputBytes, ...more});
}

const nothing: Found = {part: new Set(), here: new Set()};

async function look(upload: Upload): Promise<Found> {
	const {transport, source, request, options} = upload;
	const firstNames = new Set(source.links.values());
	// Links can only be made to files that are in the archive or beside it; odd names would have to be written in an odd way.
	const wanted = [...source.files.keys()].filter(name => !firstNames.has(name) && !/[\\\n]/.test(name));
	const input = wanted.map(name => `./${name}\0`).join('');
	const result = await step(upload, 'list', {input, signal: options.signal});
	if (result.status.code !== 0) throw fileError(transport.host, 'write', request.path, result.stderr.toString());
	const [disk = '', ...lines] = result.stdout.toString().trimEnd().split('\n');
	const {part, here} = readListing(source, lines);
	const found = {part, here: await checked(upload, here)};
	checkSpace(transport.host, request.path, disk, source.sizeBytes - sizeOf(source, found));
	return found;
}

/** Size and time are no proof outside of our own folder: digests are. */
async function checked(upload: Upload, names: ReadonlySet<string>): Promise<ReadonlySet<string>> {
	if (names.size === 0) return names;
	const lines: string[] = [];
	for (const name of names)
		lines.push(checksumLine(name, await hashOf(`${upload.source.root}/${name}`, upload.options)));
	const input = `${lines.join('\n')}\n`;
	const {stdout, stderr, status} = await step(upload, 'check', {input, signal: upload.options.signal});
	if (status.code !== 0) throw fileError(upload.transport.host, 'write', upload.request.path, stderr.toString());
	return Number(stdout.toString()) === names.size ? names : nothing.here;
}

function sizeOf(source: TreeSource, {part, here}: Found): number {
	let total = 0;
	for (const name of [...part, ...here]) total += source.files.get(name)?.sizeBytes ?? 0;
	return total;
}

/** Sends what is not there; the digests of the files that passed. */
async function send(upload: Upload, skip: ReadonlySet<string>): Promise<Map<string, string>> {
	const {transport, source, request, options, id} = upload;
	const digests = new Map<string, string>();
	const report = progress(options, id, source.sizeBytes);
	let doneBytes = sizeOf(source, {part: skip, here: nothing.here});
	const input = packTree(source, skip, {
		onBytes(count) {
			doneBytes += count;
			report(doneBytes);
		},
		onFile: (name, sha256) => void digests.set(name, sha256),
	});
	const {status, stderr} = await step(upload, 'receive', {input, signal: options.signal});
	if (status.code !== 0) throw fileError(transport.host, 'write', request.path, stderr.toString());
	emit(options, {type: 'blob.progress', id, doneBytes, totalBytes: source.sizeBytes});
	return digests;
}

async function commit(upload: Upload, digests: ReadonlyMap<string, string>): Promise<void> {
	const {transport, request, options} = upload;
	const lines = [...digests].map(([name, hex]) => checksumLine(name, hex));
	const input = [String(lines.length), ...lines, ''].join('\n');
	const {stdout, stderr, status} = await step(upload, 'commit', {input, signal: options.signal});
	const answer = stdout.toString().trim();
	if (status.code === 0 && answer === 'done') return;
	if (answer !== 'differs') throw fileError(transport.host, 'write', request.path, stderr.toString());
	throw new HostError(
		transport.host,
		'ERR_CONTENT_DIGEST',
		`${showPath(request.path)} did not arrive as it was sent: a file differs from its digest`,
		{hint: 'Send it again.', details: {path: request.path}},
	);
}

/** As sha256sum(1) writes names with line ends. */
function checksumLine(name: string, hex: string): string {
	if (!/[\\\n]/.test(name)) return `${hex}  ./${name}`;
	return `\\${hex}  ./${name.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`;
}

async function hashOf(path: string, {signal}: OperationOptions): Promise<string> {
	const hash = createHash('sha256');
	for await (const chunk of createReadStream(path, {signal, highWaterMark: 256 * 1024}) as AsyncIterable<Buffer>) {
		hash.update(chunk);
	}
	return hash.digest('hex');
}
