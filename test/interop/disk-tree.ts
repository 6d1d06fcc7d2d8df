import {createHash} from 'node:crypto';
import {lstatSync, readdirSync, readFileSync, readlinkSync, type Stats} from 'node:fs';
import {join} from 'node:path';
import {decodeName, diskName} from '../../lib/core/name.js';

/** One name of an unpacked image as the kernel shows it: the neutral form in which two images are compared. */
export interface DiskEntry {
	readonly type: string;
	/** Octal. */
	readonly mode: string;
	readonly owner: string;
	/** Seconds since the epoch, with its fraction. */
	readonly mtime: number;
	readonly size?: number;
	readonly digest?: string;
	readonly target?: string;
	readonly device?: number;
	/** The first path (in byte order) of the same inode, when there are several. */
	readonly sameAs?: string;
}

export type DiskTree = ReadonlyMap<string, DiskEntry>;

/** Reads a folder. The root itself is left out: most layers do not carry it, and then each unpacker makes its own. */
export function readTree(root: string): DiskTree {
	const entries = new Map<string, DiskEntry>();
	const inodes = new Map<number, string>();
	const visit = (folder: string): void => {
		const names = readdirSync(diskName(join(root, folder)), {encoding: 'buffer'}).map(decodeName);
		for (const name of names.toSorted()) {
			const path = folder === '' ? name : `${folder}/${name}`;
			const stats = lstatSync(diskName(join(root, path)));
			entries.set(path, describeEntry(join(root, path), stats, firstName(inodes, stats, path)));
			if (stats.isDirectory()) visit(path);
		}
	};
	visit('');
	return entries;
}

function firstName(inodes: Map<number, string>, stats: Stats, path: string): string | undefined {
	if (stats.nlink < 2 || stats.isDirectory()) return undefined;
	const first = inodes.get(stats.ino);
	if (first === undefined) inodes.set(stats.ino, path);
	return first;
}

function describeEntry(path: string, stats: Stats, sameAs: string | undefined): DiskEntry {
	const common = {
		type: typeOf(stats),
		mode: (stats.mode & 0o7777).toString(8).padStart(4, '0'),
		owner: `${stats.uid}:${stats.gid}`,
		mtime: stats.mtimeMs / 1000,
		...(sameAs === undefined ? {} : {sameAs}),
	};
	if (stats.isSymbolicLink())
		return {...common, mode: '0777', target: decodeName(readlinkSync(diskName(path), {encoding: 'buffer'}))};
	if (stats.isCharacterDevice() || stats.isBlockDevice()) return {...common, device: stats.rdev};
	if (!stats.isFile()) return common;
	return {
		...common,
		size: stats.size,
		digest: createHash('sha256')
			.update(readFileSync(diskName(path)))
			.digest('hex'),
	};
}

function typeOf(stats: Stats): string {
	if (stats.isDirectory()) return 'directory';
	if (stats.isSymbolicLink()) return 'symlink';
	if (stats.isFIFO()) return 'fifo';
	if (stats.isFile()) return 'file';
	return stats.isCharacterDevice() ? 'character' : stats.isBlockDevice() ? 'block' : 'socket';
}

export interface Difference {
	/** A path of the image, `config.Cmd`, or `outcome`. */
	readonly where: string;
	readonly field: string;
	readonly theirs: unknown;
	readonly ours: unknown;
}

/** Everything in which two trees differ, in the order of their paths. */
export function compareTrees(theirs: DiskTree, ours: DiskTree): Difference[] {
	const differences: Difference[] = [];
	for (const path of [...new Set([...theirs.keys(), ...ours.keys()])].toSorted()) {
		const a = theirs.get(path);
		const b = ours.get(path);
		if (a === undefined || b === undefined || a.type !== b.type) {
			differences.push({where: path, field: 'type', theirs: a?.type, ours: b?.type});
			continue;
		}
		for (const field of ['mode', 'owner', 'mtime', 'size', 'digest', 'target', 'device', 'sameAs'] as const) {
			if (a[field] !== b[field]) differences.push({where: path, field, theirs: a[field], ours: b[field]});
		}
	}
	return differences;
}
