import {setImmediate as breathe} from 'node:timers/promises';
import {SealError} from '../../core/errors.js';
import type {EntryHeader, LayerEntry} from '../../oci/entry.js';
import {impliedStyle, type Placing, restyle} from '../copy/place.js';
import {baseOf, join} from '../copy/select.js';
import {parentOf, type StagedEntry} from '../copy/staging.js';

/**
 * Unpacks the entries of an archive over the folder `target`, as `tar -x` would: later entries win, whatever they
 * replace; links that lead out of the image lead to its root; owners and modes are those of the archive unless --chown
 * and --chmod say otherwise. What --exclude names is left out.
 * @throws SealError ERR_COPY_CONFLICT when a file is where a folder is needed, ERR_TAR_FORMAT for a hard link to nothing
 */
export async function placeArchive(
	name: string,
	entries: readonly LayerEntry[],
	target: string,
	placing: Placing,
): Promise<void> {
	const {exclusions, signal, staging} = placing;
	const style = impliedStyle(placing);
	staging.makeDirectory(target, style);
	let known: {readonly written: string; readonly folder: string} | undefined;
	for (const [index, entry] of entries.entries()) {
		if (index % 4096 === 4095) await breathe(undefined, {signal});
		const {header} = entry;
		if (header.path === '' || exclusions.excludesPath(header.path)) continue;
		const written = parentOf(join(target, header.path));
		if (known?.written !== written) {
			known = {written, folder: staging.follow(written)};
			staging.makeDirectory(known.folder, style);
		}
		const path = join(known.folder, baseOf(header.path));
		// Whatever may be a link, or may have been one, can change where the next path leads.
		if (staging.at(path) !== undefined || (header.type !== 'file' && header.type !== 'directory')) known = undefined;
		const staged = header.type === 'hardlink' ? linked(name, header, target, placing) : fresh(entry);
		staging.put({...staged, header: {...restyle(staged.header, placing), path}}, {replace: true});
	}
}

/** Files of an archive get a key each: a hard link may come later. */
function fresh(entry: LayerEntry): StagedEntry {
	if (entry.header.type !== 'file') return entry;
	return {...entry, linkKey: entry.content ?? {}};
}

/** A hard link is its target once more, under another name. */
function linked(name: string, header: EntryHeader, target: string, placing: Placing): StagedEntry {
	const {staging} = placing;
	const written = join(target, header.linkname ?? '');
	const path = join(staging.follow(parentOf(written)), baseOf(written));
	const found = staging.entryAt(path);
	if (found !== undefined && found.header.type !== 'directory') return found;
	throw new SealError(
		'ERR_TAR_FORMAT',
		`The archive ${name} has a hard link ${JSON.stringify(header.path)} to ${JSON.stringify(header.linkname)}, which is no file`,
		{
			hint: 'Make the archive again.',
			details: {archive: name, path: header.path, linkname: header.linkname},
		},
	);
}
