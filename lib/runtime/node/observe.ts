import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {access, lstat, readFile, readlink} from 'node:fs/promises';
import {join} from 'node:path';
import type {Abortable} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';
import type {Digest} from '../../oci/digest.js';
import type {RecordedUnit} from './record.js';
import type {NodeSystem} from './system.js';

/** What is at a path. `other`: a folder, a device: nothing that is ever replaced. */
export type SeenFile =
	| {readonly kind: 'absent' | 'other'}
	| {readonly kind: 'link'; readonly target: string}
	| {readonly kind: 'file'; readonly digest: Digest; readonly mode: number; readonly uid: number; readonly gid: number};

/** @param disk where the system's files begin; `/` on a host @throws SealError ERR_PERMISSION, ERR_IO */
export async function lookAtFile(disk: string, path: string, options: Abortable = {}): Promise<SeenFile> {
	const place = join(disk, path);
	return await withIo('read', path, async () => {
		const stats = await ifExists(() => lstat(place));
		if (stats === undefined) return {kind: 'absent'};
		if (stats.isSymbolicLink()) return {kind: 'link', target: await readlink(place)};
		if (!stats.isFile()) return {kind: 'other'};
		const {mode, uid, gid} = stats;
		return {kind: 'file', digest: await digestOfFile(place, options), mode: mode & 0o7777, uid, gid};
	});
}

export async function digestOfFile(place: string, {signal}: Abortable = {}): Promise<Digest> {
	const hash = createHash('sha256');
	for await (const chunk of createReadStream(place, {highWaterMark: 1024 * 1024, signal})) hash.update(chunk as Buffer);
	return `sha256:${hash.digest('hex')}`;
}

/** A text is what counts for equality, so its digest is the same as that of a file with it. */
export function digestOfText(text: string): Digest {
	return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** Of units, in one call of systemctl. A unit that does not exist is `not-found` and `inactive`. */
export async function lookAtUnits(
	system: NodeSystem,
	names: readonly string[],
	options: Abortable,
): Promise<ReadonlyMap<string, RecordedUnit>> {
	if (names.length === 0) return new Map();
	const argv = ['systemctl', 'show', '--property=Id,LoadState,UnitFileState,ActiveState', '--', ...names];
	const {stdout} = await system.run(argv, options);
	// One block for each name, in their order; aliases have another Id.
	const blocks = stdout.trim().split(/\n\n+/);
	return new Map(
		names.map((name, index) => {
			const value = (key: string): string =>
				/^[\w-]*$/.exec(new RegExp(`^${key}=(.*)$`, 'm').exec(blocks[index] ?? '')?.[1] ?? '')?.[0] ?? '';
			const isThere = value('LoadState') !== '' && value('LoadState') !== 'not-found';
			return [
				name,
				{
					enabled: isThere ? value('UnitFileState') || 'static' : 'not-found',
					active: value('ActiveState') || 'inactive',
				},
			];
		}),
	);
}

/** Undefined when this kernel does not know it. */
export async function lookAtSysctl(disk: string, name: string): Promise<string | undefined> {
	const path = sysctlPlace(disk, name);
	const text = await withIo('read', path, () => ifExists(() => readFile(path, 'utf8')));
	return text?.trim().replaceAll(/\s+/g, ' ');
}

/** Names with dots in the middle of a part, as interfaces have, are written with slashes by nobody we serve. */
export function sysctlPlace(disk: string, name: string): string {
	return join(disk, 'proc/sys', ...name.split('.'));
}

/** Loaded, or built in with parameters. */
export async function isLoaded(disk: string, module: string): Promise<boolean> {
	const place = join(disk, 'sys/module', module.replaceAll('-', '_'));
	return (await ifExists(() => access(place).then(() => true))) === true;
}

/** What is swapped to now. */
export async function lookAtSwaps(disk: string): Promise<readonly string[]> {
	const text = (await ifExists(() => readFile(join(disk, 'proc/swaps'), 'utf8'))) ?? '';
	return text
		.split('\n')
		.slice(1)
		.map(line => line.split(/\s+/)[0] ?? '')
		.filter(path => path.startsWith('/'))
		.map(path =>
			path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
		);
}
