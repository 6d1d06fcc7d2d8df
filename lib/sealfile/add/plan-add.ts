import {SealError} from '../../core/errors.js';
import type {OperationOptions} from '../../core/events.js';
import {readArchive} from '../../oci/tar/spool.js';
import type {ImageTree} from '../../oci/tree/tree.js';
import type {FileSource} from '../context/file-source.js';
import {type Placing, place, placeFile, restyle} from '../copy/place.js';
import {factsOf, placeInline, placingOf, targetOf, treeBelow} from '../copy/resolve-copy.js';
import {createStaging} from '../copy/staging.js';
import type {CopiedEntry, CopyResult} from '../copy/types.js';
import {type FoundParts, findParts, type Part} from './parts.js';
import {placeArchive} from './place-archive.js';
import type {AddInput, AddOptions, AddPlan, AddRequest} from './types.js';

/**
 * Decides what an ADD brings in: downloads URLs, clones repositories, finds local archives by their content.
 * @throws SealError ERR_DOWNLOAD, ERR_CHECKSUM, ERR_GIT, ERR_TAR_FORMAT, ERR_TAR_LIMIT, ERR_COMPRESSION, and as `resolveCopy`
 */
export async function planAdd(
	request: AddRequest,
	source: FileSource,
	destination: ImageTree,
	options: AddOptions,
): Promise<AddPlan> {
	refuseLocalChecksum(request);
	const tree = treeBelow(request, destination);
	const placing = await placingOf(request, source, destination, options);
	const found = await findParts(request, source, options);
	const addition: Addition = {request, found, placing, tree, options};
	const isUnopened = (part: Part): boolean => part.kind === 'archive';
	const result = found.parts.some(isUnopened) ? undefined : await placeParts(addition, found.parts, options);
	const local = found.parts.filter(part => part.kind === 'selection' && part.input === undefined);
	const {entries} =
		result !== undefined && local.length === found.parts.length ? result : await placeParts(addition, local, options);
	return {
		inputs: [
			...found.parts.flatMap(part => part.input ?? []),
			...entries.map((entry): AddInput => ({kind: 'entry', entry})),
		],
		destinationFacts: factsOf(targetOf(request, createStaging(tree)).path, tree, result === undefined),
		expand: async operation => result ?? (await placeParts(addition, found.parts, {...options, ...operation})),
	};
}

/** More than any release archive, less than what hides in a bomb. */
const defaultLimitBytes = 64 * 1024 ** 3;

interface Addition {
	readonly request: AddRequest;
	readonly found: FoundParts;
	readonly placing: Omit<Placing, 'staging'>;
	readonly tree: ImageTree;
	readonly options: AddOptions;
}

/** Puts parts in place in the order they are written: a later one overwrites an earlier one. */
async function placeParts(
	addition: Addition,
	parts: readonly Part[],
	operation: OperationOptions,
): Promise<CopyResult> {
	const {request, found, tree, options} = addition;
	const staging = createStaging(tree);
	staging.warnings.push(...found.warnings);
	const placing: Placing = {...addition.placing, staging, signal: operation.signal};
	const target = targetOf(request, staging);
	const inlineFiles = request.inlineFiles ?? [];
	const count = found.parts.length + inlineFiles.length;
	const inside = target.isFolder || count > 1 || staging.at(target.path)?.type === 'directory';
	for (const part of parts) {
		operation.signal?.throwIfAborted();
		if (part.kind === 'selection') {
			await place(part.selection, target.path, inside, {...placing, source: part.source});
		} else if (part.kind === 'download') {
			placeFile(downloaded(part, placing), part.name, target.path, inside, placing);
		} else {
			const {onEvent, signal} = operation;
			const entries = await readArchive(part.path, options.scratchDir, {
				onEvent,
				signal,
				limitBytes: options.archiveLimitBytes ?? defaultLimitBytes,
			});
			await placeArchive(part.title, entries, target.path, placing);
		}
	}
	for (const file of inlineFiles) placeInline(file, target.path, inside, placing);
	const wholeTree = parts.some(part => part.kind === 'archive');
	return {
		entries: staging.entries(),
		destinationFacts: factsOf(target.path, tree, wholeTree),
		warnings: staging.warnings,
	};
}

/** BuildKit keeps downloads from everyone but root. */
function downloaded({file, mtime, name}: Extract<Part, {kind: 'download'}>, placing: Placing): CopiedEntry {
	const header = {path: name, type: 'file', mode: 0o600, uid: 0, gid: 0, size: file.sizeBytes, mtime} as const;
	return {
		header: restyle(header, placing),
		...(file.sizeBytes === 0 ? {} : {content: {kind: 'file', path: file.path}}),
	};
}

function refuseLocalChecksum(request: AddRequest): void {
	if (request.checksum === undefined) return;
	const [only] = request.sources;
	const isRemote = only !== undefined && /^(?:[a-z]+:\/\/|\w[\w.-]*@)/iu.test(only);
	if (request.sources.length === 1 && isRemote && (request.inlineFiles ?? []).length === 0) return;
	throw new SealError('ERR_COPY_OPTION', '--checksum is for an ADD of one URL or git repository', {
		hint: 'Give each URL an ADD of its own.',
		details: {checksum: request.checksum},
	});
}
