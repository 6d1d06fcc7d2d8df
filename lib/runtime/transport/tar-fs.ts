import {createHash} from 'node:crypto';
import {createReadStream, lstat, readlink} from 'node:fs';
import {Readable} from 'node:stream';
import {type PackOptions, pack} from 'tar-fs';
import type {TreeSource} from './tree-source.js';

export interface PackEvents {
	/** Bytes of file contents that have passed. */
	readonly onBytes: (count: number) => void;
	/** A file has passed whole. */
	readonly onFile: (path: string, sha256: string) => void;
}

/**
 * A folder as a tar stream. Further names of a file become hard links, modes keep their set-user-id bits, and owners are nobody's:
 * the numbers of this machine mean nothing elsewhere. Files in `skip` are left out. A name that is gone meanwhile is an error.
 */
export function packTree(source: TreeSource, skip: ReadonlySet<string>, events: PackEvents): Readable {
	const options: Options = {
		entries: source.names.filter(name => !skip.has(name)),
		umask: 0,
		fs: {
			lstat,
			readlink,
			// The list is complete: nothing is to be found a second time.
			readdir: (_path, done) => done(null, []),
			createReadStream: (path, range) => {
				const name = path.slice(source.root.length).replace(/^\/+/, '');
				return source.links.has(name) ? Readable.from([]) : Readable.from(hashed(path, range, name, events));
			},
		},
		map: header => {
			const first = source.links.get(header.name);
			const common = {...header, uid: 0, gid: 0};
			return first === undefined ? common : {...common, type: 'link', linkname: first, size: 0};
		},
	};
	// A stream of its own making, which Node's takes over with its errors and back-pressure.
	return Readable.from(pack(source.root, options as PackOptions) as unknown as AsyncIterable<Uint8Array>, {
		objectMode: false,
		highWaterMark: 256 * 1024,
	});
}

type Header = Parameters<NonNullable<PackOptions['map']>>[0] & {linkname?: string};

/** What tar-fs takes and its types do not know. */
interface Options extends Omit<PackOptions, 'map'> {
	readonly umask: number;
	readonly map: (header: Header) => Header;
	readonly fs: {
		readonly lstat: typeof lstat;
		readonly readlink: typeof readlink;
		readonly readdir: (path: string, done: (error: null, names: readonly string[]) => void) => void;
		readonly createReadStream: (path: string, range: {start: number; end: number}) => Readable;
	};
}

async function* hashed(
	path: string,
	range: {start: number; end: number},
	name: string,
	events: PackEvents,
): AsyncGenerator<Uint8Array> {
	const hash = createHash('sha256');
	for await (const chunk of createReadStream(path, {...range, highWaterMark: 256 * 1024}) as AsyncIterable<Buffer>) {
		hash.update(chunk);
		events.onBytes(chunk.length);
		yield chunk;
	}
	events.onFile(name, hash.digest('hex'));
}
