import type {EntryHeader, LayerEntry} from '../../lib/oci/entry.js';

/** A header with everything that a test does not care about. */
export function header(path: string, fields: Partial<EntryHeader> = {}): EntryHeader {
	return {path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 1, ...fields};
}

export function folder(path: string, fields: Partial<EntryHeader> = {}): LayerEntry {
	return {header: header(path, {type: 'directory', mode: 0o755, ...fields})};
}

/** A file whose content is at hand. */
export function file(path: string, content: string | Uint8Array = '', fields: Partial<EntryHeader> = {}): LayerEntry {
	const bytes = Buffer.from(content);
	const full = header(path, {size: bytes.length, ...fields});
	return bytes.length === 0 ? {header: full} : {header: full, content: {kind: 'bytes', bytes}};
}

export function link(path: string, linkname: string, type: 'symlink' | 'hardlink' = 'symlink'): LayerEntry {
	return {header: header(path, {type, linkname, mode: 0o777})};
}
