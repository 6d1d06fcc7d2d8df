import {type TreeFiles, tooLong} from '../../lib/oci/tree/files.js';

/** A tree of files in memory: texts by path, executable when the path ends in `*`. */
export function memoryFiles(contents: Readonly<Record<string, string | Uint8Array>>): TreeFiles {
	const files = new Map(
		Object.entries(contents).map(([path, content]) => [
			path.replace(/\*$/, ''),
			{mode: path.endsWith('*') ? 0o755 : 0o644, bytes: Buffer.from(content)},
		]),
	);
	return {
		async list(folder) {
			return [...files]
				.filter(([path]) => folder === '' || path.startsWith(`${folder}/`))
				.map(([path, {mode, bytes}]) => ({path, mode, sizeBytes: bytes.length}))
				.sort((a, b) => (a.path < b.path ? -1 : 1));
		},
		async *read(paths, {limitBytes = 16 * 1024 * 1024} = {}) {
			for (const path of paths) {
				const file = files.get(path);
				if (file === undefined) continue;
				if (file.bytes.length > limitBytes) throw tooLong(path, limitBytes);
				yield {path, bytes: file.bytes};
			}
		},
	};
}
