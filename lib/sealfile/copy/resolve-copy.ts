import {posix} from 'node:path';
import {SealError} from '../../core/errors.js';
import {emptyTree, type ImageTree, lookup} from '../../oci/tree/tree.js';
import {compileExclusions} from '../context/exclusions.js';
import type {FileSource} from '../context/file-source.js';
import {parseChmod} from './mode.js';
import {resolveOwner} from './owner.js';
import {type Placing, place, placeFile, placeWithParents, restyle} from './place.js';
import {type Selection, select} from './select.js';
import {createStaging, type Staging} from './staging.js';
import type {CopyOptions, CopyRequest, CopyResult, CopyWarning, DestinationFacts, InlineFile} from './types.js';

/**
 * Decides what a COPY puts where: names, owners and modes, without reading the contents of any file. Folders that are
 * copied are always in the result, those on the way to them only when the tree lacks them: so the layer does not change
 * with the layers below.
 * @throws SealError ERR_COPY_SOURCE (missing), ERR_COPY_CONFLICT, ERR_COPY_OPTION, ERR_COPY_OWNER, ERR_PATTERN,
 * ERR_LAYER_ENTRY, ERR_PERMISSION
 */
export async function resolveCopy(
	request: CopyRequest,
	source: FileSource,
	destination: ImageTree,
	options: CopyOptions = {},
): Promise<CopyResult> {
	refuseRemote(request.sources);
	const tree = treeBelow(request, destination);
	const staging = createStaging(tree);
	const placing = {...(await placingOf(request, source, destination, options)), staging};
	const target = targetOf(request, staging);
	const selections: Selection[] = [];
	const emptyWildcards: string[] = [];
	for await (const selection of select(request.sources, source, {signal: options.signal, emptyWildcards})) {
		selections.push(selection);
	}
	const inlineFiles = request.inlineFiles ?? [];
	const count = selections.length + inlineFiles.length;
	if (count === 0) staging.warnings.push(...reportEmpty(emptyWildcards, source, options));
	const inside = target.isFolder || count > 1 || staging.at(target.path)?.type === 'directory';
	for (const selection of selections) {
		options.signal?.throwIfAborted();
		if (request.parents === true) await placeWithParents(selection, target.path, placing);
		else await place(selection, target.path, inside, placing);
	}
	for (const file of inlineFiles) placeInline(file, target.path, inside, placing);
	return {
		entries: staging.entries(),
		destinationFacts: factsOf(target.path, tree, false),
		warnings: staging.warnings,
	};
}

/** The tree that a layer is made over: none for --link, which BuildKit makes by itself only without --chmod. */
export function treeBelow(request: Pick<CopyRequest, 'link' | 'chmod'>, destination: ImageTree): ImageTree {
	return request.link === true && request.chmod === undefined ? emptyTree : destination;
}

/** What the flags of a request do to entries. */
export async function placingOf(
	request: Pick<CopyRequest, 'chown' | 'chmod' | 'exclude'>,
	source: FileSource,
	destination: ImageTree,
	options: CopyOptions,
): Promise<Omit<Placing, 'staging'>> {
	return {
		source,
		exclusions: compileExclusions(request.exclude ?? []),
		mode: request.chmod === undefined ? undefined : parseChmod(request.chmod),
		owner: request.chown === undefined ? undefined : await resolveOwner(request.chown, destination, options.readFile),
		sourceDateEpoch: options.sourceDateEpoch,
		signal: options.signal,
	};
}

/** Where the destination leads, and whether its spelling asks for a folder. */
export function targetOf(
	request: Pick<CopyRequest, 'destination' | 'workingDir'>,
	staging: Staging,
): {readonly path: string; readonly isFolder: boolean} {
	const {destination, workingDir = '/'} = request;
	const absolute = destination.startsWith('/') ? destination : `${workingDir}/${destination}`;
	return {
		// `..` is taken away before links are looked at, as in BuildKit.
		path: staging.follow(posix.normalize(`/${absolute}`)),
		isFolder: destination === '' || /(?:^|\/)\.{0,2}$/u.test(destination),
	};
}

/** See `DestinationFacts`. */
export function factsOf(path: string, tree: ImageTree, wholeTree: boolean): DestinationFacts {
	const names = path === '' ? [] : path.split('/');
	let existingDepth = 0;
	while (existingDepth < names.length && lookup(tree, names.slice(0, existingDepth + 1).join('/')) !== undefined) {
		existingDepth++;
	}
	return {path, existingDepth, wholeTree};
}

/**
 * What is to be said when all that was asked for are wildcards, and they match nothing.
 * @throws SealError ERR_COPY_SOURCE when buildah's rule is wanted
 */
export function reportEmpty(
	wildcards: readonly string[],
	source: FileSource,
	options: Pick<CopyOptions, 'compat'>,
): CopyWarning[] {
	if (wildcards.length === 0) return [];
	const message = `Nothing in ${source.title} matches ${wildcards.map(text => JSON.stringify(text)).join(', ')}`;
	const hint = 'Check the pattern and the ignore file.';
	if (options.compat !== 'buildah') return [{code: 'EmptyWildcard', message, hint}];
	throw new SealError('ERR_COPY_SOURCE', message, {hint, details: {sources: wildcards}});
}

/** Files written in the Sealfile are 0644 of root, from the beginning of time. */
export function placeInline(file: InlineFile, target: string, inside: boolean, placing: Placing): void {
	const {bytes, name} = file;
	const mtime = placing.sourceDateEpoch ?? 0;
	const header = {path: name, type: 'file', mode: 0o644, uid: 0, gid: 0, size: bytes.length, mtime} as const;
	const content = bytes.length === 0 ? undefined : ({kind: 'bytes', bytes} as const);
	placeFile({header: restyle(header, placing), content}, name, target, inside, placing);
}

function refuseRemote(sources: readonly string[]): void {
	for (const text of sources) {
		if (!/^(?:https?:\/\/|git@|git:\/\/|ssh:\/\/)/iu.test(text)) continue;
		throw new SealError('ERR_COPY_SOURCE', `COPY cannot take the remote source ${JSON.stringify(text)}`, {
			hint: 'Use ADD for URLs and git repositories.',
			details: {source: text},
		});
	}
}
