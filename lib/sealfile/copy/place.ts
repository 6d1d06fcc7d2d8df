import {setImmediate as breathe} from 'node:timers/promises';
import {SealError} from '../../core/errors.js';
import type {EntryHeader} from '../../oci/entry.js';
import {type Exclusions, noRule} from '../context/exclusions.js';
import type {FileSource, SourceNode} from '../context/file-source.js';
import {followLinks, linkText} from '../context/links.js';
import type {ModeChange} from './mode.js';
import type {Owner} from './owner.js';
import {baseOf, join, type Selection} from './select.js';
import {type DirectoryStyle, parentOf, type StagedEntry, type Staging} from './staging.js';
import type {CopyWarning} from './types.js';

/** What the flags of a COPY or ADD do to everything it puts in place. */
export interface Placing {
	readonly staging: Staging;
	readonly source: FileSource;
	readonly exclusions: Exclusions;
	readonly owner?: Owner | undefined;
	readonly mode?: ModeChange | undefined;
	readonly sourceDateEpoch?: number | undefined;
	readonly signal?: AbortSignal | undefined;
}

/** The style of folders that nobody wrote: 0755 of root, unless --chown or --chmod say otherwise. */
export function impliedStyle(placing: Pick<Placing, 'owner' | 'mode' | 'sourceDateEpoch'>): DirectoryStyle {
	return {
		mode: placing.mode?.(0o755, true) ?? 0o755,
		uid: placing.owner?.uid ?? 0,
		gid: placing.owner?.gid ?? 0,
		mtime: placing.sourceDateEpoch ?? 0,
	};
}

/** Puts a file into the folder `target` under its own name, or at `target` itself. */
export function placeFile(entry: StagedEntry, name: string, target: string, inside: boolean, placing: Placing): void {
	const path = inside ? join(target, name) : target;
	placing.staging.makeDirectory(parentOf(path), impliedStyle(placing));
	placing.staging.put({...entry, header: {...entry.header, path}});
}

/**
 * Puts one selected entry where COPY puts it: a folder gives its contents to the folder `target`, which is made like it
 * when it is missing and left as it is otherwise; anything else goes to `target` or, when `inside`, into it.
 */
export async function place(selection: Selection, target: string, inside: boolean, placing: Placing): Promise<void> {
	const {exclusions, source, staging} = placing;
	const {node, excludeName} = selection;
	if (excludeName !== '' && exclusions.excludesPath(excludeName)) return;
	if (node.header.type === 'directory') return placeDirectory(node, target, placing);
	if (!isUsable(node, source, staging.warnings)) return;
	placeFile(stageAt(node, node.header.path, placing), baseOf(selection.path), target, inside, placing);
}

/** `--parents`: the path right of the pivot is kept below `target`, its folders are made like those of the source. */
export async function placeWithParents(selection: Selection, target: string, placing: Placing): Promise<void> {
	const {staging, source} = placing;
	const names = selection.path
		.slice(selection.pivot.length)
		.split('/')
		.filter(name => name !== '');
	if (selection.excludeName !== '' && placing.exclusions.excludesPath(selection.excludeName)) return;
	staging.makeDirectory(target, impliedStyle(placing));
	let written = selection.pivot;
	let path = target;
	for (const name of names.slice(0, -1)) {
		written = join(written, name);
		path = staging.follow(join(path, name));
		if (staging.at(path)?.type === 'directory') continue;
		const folder = source.lookup(followLinks(written, at => linkText(source.lookup(at)?.header)));
		if (folder === undefined || folder.implied === true) staging.makeDirectory(path, impliedStyle(placing));
		else staging.put(stageAt(folder, path, placing));
	}
	const last = names.at(-1);
	if (selection.node.header.type === 'directory') {
		const folder = last === undefined ? path : staging.follow(join(path, last));
		return placeDirectory(selection.node, folder, placing, true);
	}
	if (isUsable(selection.node, source, staging.warnings))
		placeFile(stageAt(selection.node, selection.path, placing), last ?? '', path, true, placing);
}

/** A folder on the way down. Excluded ones are only made when something below them is brought back. */
interface Frame {
	readonly node: SourceNode;
	readonly path: string;
	/** Relative to the folder that is copied: what --exclude sees. */
	readonly relative: string;
	readonly lastRule: number;
	readonly above?: Frame | undefined;
	made: boolean;
}

async function placeDirectory(root: SourceNode, target: string, placing: Placing, keepOwner = false): Promise<void> {
	const {exclusions, source, staging} = placing;
	placeRoot(root, target, placing, keepOwner);
	const pending: Frame[] = [{node: root, path: target, relative: '', lastRule: noRule, made: true}];
	let seen = 0;
	while (pending.length > 0) {
		const frame = pending.pop()!;
		for (const child of source.list(frame.node.header.path)) {
			if (++seen % 4096 === 0) await breathe(undefined, {signal: placing.signal});
			const name = baseOf(child.header.path);
			const relative = join(frame.relative, name);
			const path = join(frame.path, name);
			const lastRule = exclusions.lastRule(relative, frame.lastRule);
			const excluded = exclusions.excludes(lastRule);
			if (child.header.type === 'directory') {
				if (excluded && !exclusions.mayReturnBelow(relative, lastRule)) continue;
				const next = {node: child, path, relative, lastRule, above: frame, made: false};
				if (!excluded) make(next, placing);
				pending.push(next);
			} else if (!excluded && isUsable(child, source, staging.warnings)) {
				make(frame, placing);
				staging.put(stageAt(child, path, placing));
			}
		}
	}
}

/** BuildKit gives the folder it makes for a copied one to root, whoever owns that one. */
function placeRoot(root: SourceNode, target: string, placing: Placing, keepOwner: boolean): void {
	const {staging} = placing;
	if (staging.at(target)?.type === 'directory') return;
	const style = impliedStyle(placing);
	staging.makeDirectory(parentOf(target), style);
	if (root.implied === true) {
		staging.makeDirectory(target, style);
		return;
	}
	const {header} = stageAt(root, target, placing);
	staging.put({header: keepOwner ? header : {...header, uid: style.uid, gid: style.gid}});
}

function make(frame: Frame, placing: Placing): void {
	if (frame.made) return;
	frame.made = true;
	if (frame.above !== undefined) make(frame.above, placing);
	if (frame.node.implied === true) placing.staging.makeDirectory(frame.path, impliedStyle(placing));
	else placing.staging.put(stageAt(frame.node, frame.path, placing));
}

/**
 * Whether an entry can be copied; a socket cannot, which is worth a warning.
 * @throws SealError ERR_PERMISSION
 */
export function isUsable(node: SourceNode, source: FileSource, warnings: CopyWarning[]): boolean {
	if (node.problem === undefined) return true;
	const path = JSON.stringify(node.header.path);
	if (node.problem === 'unreadable') {
		throw new SealError('ERR_PERMISSION', `Cannot read ${path} of ${source.title}`, {
			hint: 'Make it readable, or name it in the ignore file.',
			details: {path: node.header.path},
		});
	}
	warnings.push({code: 'SocketSkipped', message: `The socket ${path} of ${source.title} is left out`});
	return false;
}

function stageAt(node: SourceNode, path: string, placing: Placing): StagedEntry {
	const {header, content, identity, linkKey} = node;
	return {header: styled(header, path, placing.source.keepsOwners, placing), content, identity, linkKey};
}

type Style = Pick<Placing, 'owner' | 'mode' | 'sourceDateEpoch'>;

/** The header with what --chown, --chmod and SOURCE_DATE_EPOCH say; times are whole seconds in layers. */
export function restyle(header: EntryHeader, style: Style): EntryHeader {
	return styled(header, header.path, true, style);
}

/** Written field by field: this is done for every entry of a build. */
function styled(header: EntryHeader, path: string, keepsOwner: boolean, style: Style): EntryHeader {
	const {type, mode, size, mtime, linkname, devmajor, devminor, xattrs} = header;
	const {owner, mode: change, sourceDateEpoch: epoch} = style;
	const plain = {
		path,
		type,
		mode: change === undefined || type === 'symlink' ? mode : change(mode, type === 'directory'),
		uid: owner === undefined ? (keepsOwner ? header.uid : 0) : owner.uid,
		gid: owner === undefined ? (keepsOwner ? header.gid : 0) : owner.gid,
		size,
		mtime: epoch !== undefined && mtime > epoch ? epoch : mtime,
	};
	if (type === 'file' || type === 'directory') return xattrs === undefined ? plain : {...plain, xattrs};
	return {
		...plain,
		...(linkname === undefined ? undefined : {linkname}),
		...(devmajor === undefined ? undefined : {devmajor}),
		...(devminor === undefined ? undefined : {devminor}),
		...(xattrs === undefined ? undefined : {xattrs}),
	};
}
