import {lstat, readdir, readFile, realpath} from 'node:fs/promises';
import {join, relative} from 'node:path';
import {SealError, systemCode} from '../../core/errors.js';
import {ifExists, withIo} from '../../core/io-error.js';
import {removeTree} from '../../oci/disk/remove.js';
import type {NodeOptions} from './changes.js';
import type {NodeSystem} from './system.js';

/** The names in a folder; null when it is not there. A link in its place is somebody's own arrangement, and looked through. */
export async function lookAtContents(disk: string, folder: string): Promise<readonly string[] | null> {
	const place = join(disk, folder);
	return await withIo('read', folder, async () => {
		try {
			return (await readdir(place)).toSorted();
		} catch (error) {
			if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return null;
			throw error;
		}
	});
}

/**
 * Takes out of a folder what was not in it before, and the folder too when it was not there; mounts below go first, and nothing
 * is removed that is mounted from elsewhere.
 * @param before what `lookAtContents` said
 * @returns the paths that were removed
 * @throws SealError ERR_NODE_STEP when something stays mounted, or a folder that was not there leads elsewhere; ERR_PERMISSION, ERR_IO
 */
export async function clearContents(
	folder: string,
	before: readonly string[] | null,
	system: NodeSystem,
	options: NodeOptions = {},
): Promise<readonly string[]> {
	const {disk = '/'} = options;
	const now = await lookAtContents(disk, folder);
	if (now === null) return [];
	// Mounts are listed by their real places: below a link they would not be seen.
	const real = await withIo('look for', folder, () => realPlace(disk, folder));
	const isMount = (await lookAtMounts(disk)).includes(real);
	// On some systems /opt and /root are links themselves, which is the system's own affair.
	if (before === null && (await lstat(join(disk, folder))).isSymbolicLink()) throw notOurs(folder, real);
	const keep = new Set(before ?? []);
	// A disk of its own is mounted there: the folder itself stays.
	const isWhole = before === null && !isMount;
	const names = now.filter(name => !keep.has(name) && name !== 'lost+found');
	const goes = isWhole ? [''] : names.map(name => `/${name}`);
	for (const rest of goes) {
		options.signal?.throwIfAborted();
		await unmountBelow(`${real}${rest}`, system, options);
		await removeTree(join(disk, `${real}${rest}`));
	}
	return goes.map(rest => `${folder}${rest}`);
}

function notOurs(folder: string, real: string): SealError {
	return new SealError('ERR_NODE_STEP', `${folder} leads to ${real}, and what was in there before is not known`, {
		hint: 'Remove by hand what is not needed any more in there, and then the link.',
		details: {path: folder, real},
	});
}

/**
 * Unmounts everything at and below a path, the innermost first; what is busy, or whose server is gone, is taken out of sight.
 * @throws SealError ERR_NODE_STEP when something stays
 */
async function unmountBelow(
	path: string,
	system: NodeSystem,
	{disk = '/', signal}: NodeOptions = {},
): Promise<readonly string[]> {
	const below = async (): Promise<readonly string[]> =>
		(await lookAtMounts(disk)).filter(place => place === path || place.startsWith(`${path}/`));
	const mounted = (await below()).toSorted().reverse();
	for (const place of mounted) {
		const {code} = await system.run(['umount', '--', place], {signal, timeoutMs: 20_000});
		if (code !== 0) await system.run(['umount', '-l', '--', place], {signal, timeoutMs: 20_000});
	}
	const [left] = mounted.length === 0 ? [] : await below();
	if (left === undefined) return mounted;
	throw new SealError('ERR_NODE_STEP', `${left} cannot be unmounted`, {
		hint: `Unmount it, and run the command again: nothing below ${path} is removed before.`,
		details: {path: left},
	});
}

/** Where something is mounted, as this process sees it. */
async function lookAtMounts(disk: string): Promise<readonly string[]> {
	// proc_pid_mountinfo(5): the fifth field, with blanks and the like as octal numbers.
	const text = (await ifExists(() => readFile(join(disk, 'proc/self/mountinfo'), 'utf8'))) ?? '';
	return text
		.split('\n')
		.map(line => line.split(' ')[4] ?? '')
		.filter(place => place.startsWith('/'))
		.map(place =>
			place.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
		);
}

async function realPlace(disk: string, path: string): Promise<string> {
	const [root, place] = [await realpath(disk), await realpath(join(disk, path))];
	return join('/', relative(root, place));
}
