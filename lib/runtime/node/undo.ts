import {access, rm, rmdir, unlink} from 'node:fs/promises';
import {join} from 'node:path';
import {systemCode} from '../../core/errors.js';
import {ifExists, ioError, withIo} from '../../core/io-error.js';
import {comingPlace, put, setSysctl} from './apply.js';
import type {NodeOptions} from './changes.js';
import {clearContents} from './contents.js';
import {distrust, readTrust, titleOfTrust} from './firewall.js';
import {digestOfText, isLoaded, lookAtFile, lookAtSwaps, lookAtSysctl, lookAtUnits, type SeenFile} from './observe.js';
import {
	keptPlace,
	type NodeRecord,
	type RecordedFile,
	type RecordedUnit,
	readRecord,
	removeRecord,
	writeRecord,
} from './record.js';
import {type NodeSystem, runOk} from './system.js';
import {createWork, type Undone, type Work} from './work.js';

/**
 * Puts a host back to how it was before the first `applyWish`: only what the record names is touched, and what somebody else has
 * changed since stays as it is and is told. Done again, it goes on with what is left.
 * @throws SealError ERR_NODE_RECORD, ERR_PERMISSION, ERR_IO
 */
export async function undoWish(root: string, system: NodeSystem, options: NodeOptions = {}): Promise<Undone> {
	const record = await readRecord(root);
	const work = createWork(options);
	await stopUnits(record, system, work, options);
	const contents = await clearFolders(record, system, work, options);
	const files = await restoreFiles(record, root, work, options);
	await relabel(record, system, options);
	const folders = await removeFolders(record, work, options);
	if (Object.keys(record.files).some(path => path.includes('/systemd/system/'))) {
		await work.attempt('let systemd read its units again', 'units', () =>
			runOk(system, ['systemctl', 'daemon-reload'], 'reload', options),
		);
	}
	await startUnits(record, system, work, options);
	const trusted = await restoreFirewall(record, system, work, options);
	await restoreKernel(record, system, work, options);
	if (work.leftovers.length === 0) await removeRecord(root);
	else await writeRecord(root, {...record, files, folders, contents, trusted});
	return {done: work.done, leftovers: work.leftovers};
}

function wasEnabled({enabled}: RecordedUnit): boolean {
	return enabled === 'enabled' || enabled === 'enabled-runtime';
}

function wasActive({active}: RecordedUnit): boolean {
	return active === 'active' || active === 'activating' || active === 'reloading';
}

/** Units that did not run, or did not begin with the host, before their files go. */
async function stopUnits(record: NodeRecord, system: NodeSystem, work: Work, options: NodeOptions): Promise<void> {
	const now = await lookAtUnits(system, Object.keys(record.units), options);
	for (const [unit, before] of Object.entries(record.units).reverse()) {
		const seen = now.get(unit);
		const stop = async (verb: 'stop' | 'disable'): Promise<void> => {
			await work.attempt(`${verb} ${unit}`, unit, () =>
				runOk(system, ['systemctl', verb, '--', unit], `${verb} ${unit}`, options),
			);
		};
		if (seen !== undefined && seen.active !== 'inactive' && !wasActive(before)) await stop('stop');
		if (seen !== undefined && wasEnabled(seen) && !wasEnabled(before)) await stop('disable');
	}
}

async function startUnits(record: NodeRecord, system: NodeSystem, work: Work, options: NodeOptions): Promise<void> {
	const now = await lookAtUnits(system, Object.keys(record.units), options);
	for (const [unit, before] of Object.entries(record.units)) {
		const seen = now.get(unit);
		const start = async (verb: 'start' | 'restart' | 'enable'): Promise<void> => {
			await work.attempt(`${verb} ${unit}`, unit, () =>
				runOk(system, ['systemctl', verb, '--', unit], `${verb} ${unit}`, options),
			);
		};
		if (seen !== undefined && wasEnabled(before) && !wasEnabled(seen)) await start('enable');
		// What ran before, and was made to run with files of ours, would go on with them.
		if (seen !== undefined && wasActive(before)) await start(wasActive(seen) ? 'restart' : 'start');
	}
}

/** What came into folders since, before the files of ours in them are looked at. @returns what is left in the record */
async function clearFolders(
	{contents = {}}: NodeRecord,
	system: NodeSystem,
	work: Work,
	options: NodeOptions,
): Promise<NodeRecord['contents']> {
	const left: [string, readonly string[] | null][] = [];
	for (const [folder, before] of Object.entries(contents)) {
		let gone: readonly string[] = [];
		const isDone = await work.attempt('', folder, async () => {
			gone = await clearContents(folder, before, system, options);
		});
		if (!isDone) left.push([folder, before]);
		work.done.push(...gone.map(path => `remove ${path}`));
	}
	return Object.fromEntries(left);
}

/** @returns the files that are left in the record */
async function restoreFiles(
	record: NodeRecord,
	root: string,
	work: Work,
	options: NodeOptions,
): Promise<NodeRecord['files']> {
	const {disk = '/'} = options;
	const left: [string, RecordedFile][] = [];
	for (const [path, file] of Object.entries(record.files).reverse()) {
		const coming = comingPlace(path);
		await work.attempt('', coming, () => withIo('remove', coming, () => rm(join(disk, coming), {force: true})));
		const seen = await lookAtFile(disk, path, options);
		if (isBefore(file, seen)) continue;
		if (!isOurs(file, seen)) {
			work.leftovers.push({what: path, why: 'somebody else has changed it since'});
			left.unshift([path, file]);
			continue;
		}
		const isGone = file.before.kind === 'absent';
		const title = isGone ? `remove ${path}` : `put back ${path}`;
		const isDone = await work.attempt(title, path, () => restore(path, file, root, disk));
		if (!isDone) left.unshift([path, file]);
	}
	return Object.fromEntries(left);
}

function isBefore({before}: RecordedFile, seen: SeenFile): boolean {
	if (before.kind !== seen.kind) return false;
	if (before.kind === 'link') return seen.kind === 'link' && seen.target === before.target;
	return (
		before.kind === 'absent' || (seen.kind === 'file' && seen.digest === before.digest && seen.mode === before.mode)
	);
}

/** A file that is gone was ours to remove; putting back what was there before is what was asked for. */
function isOurs({written}: RecordedFile, seen: SeenFile): boolean {
	if (seen.kind === 'absent') return true;
	if (seen.kind === 'link') return written.includes(digestOfText(seen.target));
	return seen.kind === 'file' && written.includes(seen.digest);
}

async function restore(path: string, {before}: RecordedFile, root: string, disk: string): Promise<void> {
	const place = join(disk, path);
	if (before.kind === 'absent') {
		await withIo('remove', path, () => unlink(place));
		return;
	}
	if (before.kind === 'link') {
		const digest = digestOfText(before.target);
		await put(place, {kind: 'link', target: before.target, digest, mode: 0o777}, disk);
		return;
	}
	const {digest, mode, uid, gid} = before;
	await put(place, {kind: 'copy', from: keptPlace(root, digest), digest, mode}, '/', {uid, gid});
}

/** Under SELinux a file gets the label of its folder when it is written, which is not that of every program. */
async function relabel({files}: NodeRecord, system: NodeSystem, options: NodeOptions): Promise<void> {
	const {disk = '/'} = options;
	const isThere = await ifExists(() => access(join(disk, 'sys/fs/selinux/enforce')).then(() => true));
	const paths = Object.keys(files).filter(path => files[path]?.before.kind === 'file');
	// Where the tool is missing, files have the labels that they get.
	if (isThere === true && paths.length > 0) await system.run(['restorecon', '--', ...paths], options);
}

/** Folders that others have put something into stay; they are no leftover of ours. */
async function removeFolders(record: NodeRecord, work: Work, {disk = '/'}: NodeOptions): Promise<readonly string[]> {
	for (const folder of [...record.folders].reverse()) {
		try {
			await rmdir(join(disk, folder));
			work.done.push(`remove ${folder}`);
		} catch (error) {
			if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EBUSY'].includes(systemCode(error) ?? '')) {
				throw ioError(error, 'remove', folder);
			}
		}
	}
	return work.leftovers.length === 0 ? [] : record.folders;
}

/** @returns what is left in the record */
async function restoreFirewall(
	{trusted = []}: NodeRecord,
	system: NodeSystem,
	work: Work,
	options: NodeOptions,
): Promise<readonly string[]> {
	const left: string[] = [];
	for (const entry of trusted) {
		const known = readTrust(entry);
		if (known === undefined) continue;
		const title = `take back to ${titleOfTrust(known)}`;
		const isDone = await work.attempt(title, entry, () => distrust(known, system, options));
		if (!isDone) left.push(entry);
	}
	return left;
}

async function restoreKernel(record: NodeRecord, system: NodeSystem, work: Work, options: NodeOptions): Promise<void> {
	const {disk = '/'} = options;
	// The last first: to stop forwarding changes others, which are remembered before it.
	for (const [name, value] of Object.entries(record.sysctls).reverse()) {
		// What a module brought goes with it.
		const seen = await lookAtSysctl(disk, name);
		if (seen === undefined || seen === value) continue;
		await work.attempt(`set ${name} back to ${value}`, name, () => setSysctl(disk, name, value));
	}
	const swaps = await lookAtSwaps(disk);
	for (const path of record.swaps.filter(swap => !swaps.includes(swap)))
		await work.attempt(`swap to ${path} again`, path, () => runOk(system, ['swapon', path], 'swap', options));
	for (const module of [...record.modules].reverse()) {
		// One that is in use by others, or built in, is no harm, and goes with the next start.
		if (!(await isLoaded(disk, module))) continue;
		const {code} = await system.run(['modprobe', '-r', '--', module], options);
		if (code === 0) work.done.push(`unload the kernel module ${module}`);
	}
}
