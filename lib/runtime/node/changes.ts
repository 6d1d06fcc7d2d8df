import {readlink} from 'node:fs/promises';
import {join} from 'node:path';
import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import type {Digest} from '../../oci/digest.js';
import {missingTrust, type Trust, titleOfTrust} from './firewall.js';
import {digestOfText, isLoaded, lookAtFile, lookAtSwaps, lookAtSysctl, lookAtUnits, type SeenFile} from './observe.js';
import type {RecordedUnit} from './record.js';
import type {NodeSystem} from './system.js';
import type {FileContent, NodeWish, WantedFile, WantedUnit} from './wish.js';

/** One thing that is not as wished, with what is there instead. In the order in which they are made. */
export type NodeChange =
	| {readonly do: 'write'; readonly path: string; readonly content: ReadyContent; readonly seen: SeenFile}
	| {readonly do: 'load'; readonly module: string}
	| {readonly do: 'set'; readonly name: string; readonly value: string; readonly seen: string | undefined}
	| {readonly do: 'swapoff'; readonly path: string}
	| ({readonly do: 'trust'} & Trust)
	/** systemd reads its units again. */
	| {readonly do: 'reload'}
	| {
			readonly do: 'enable' | 'disable' | 'start' | 'stop' | 'restart';
			readonly unit: string;
			readonly seen: RecordedUnit;
	  };

/** With what a file is known by. */
export type ReadyContent = FileContent & {readonly digest: Digest; readonly mode: number};

export interface NodeOptions extends Abortable {
	/** Where the system's files begin. Default `/`. */
	readonly disk?: string | undefined;
}

/**
 * Looks at the host and tells what has to be done; empty when it is as wished.
 * @throws SealError ERR_NODE_CONFLICT, ERR_PERMISSION, ERR_IO
 */
export async function nodeChanges(
	wish: NodeWish,
	system: NodeSystem,
	options: NodeOptions = {},
): Promise<readonly NodeChange[]> {
	const {disk = '/'} = options;
	const writes: NodeChange[] = [];
	for (const file of wish.files) writes.push(...(await fileChanges(file, disk, options)));
	const loads: NodeChange[] = [];
	for (const module of wish.modules) if (!(await isLoaded(disk, module))) loads.push({do: 'load', module});
	const sets: NodeChange[] = [];
	for (const [name, value] of Object.entries(wish.sysctls)) {
		const seen = await lookAtSysctl(disk, name);
		if (seen === undefined && wish.sysctlsIfKnown?.includes(name) === true) continue;
		if (seen !== value) sets.push({do: 'set', name, value, seen});
	}
	const swaps = wish.swapOff ? await lookAtSwaps(disk) : [];
	const trusts = await missingTrust(wish.trusted ?? [], system, options);
	const changed = new Set(writes.map(change => (change.do === 'write' ? change.path : '')));
	const units = await lookAtUnits(
		system,
		wish.units.map(({name}) => name),
		options,
	);
	return [
		...writes,
		...([...changed].some(isUnitFile) ? [{do: 'reload'} as const] : []),
		...loads,
		...sets,
		...swaps.map(path => ({do: 'swapoff', path}) as const),
		...trusts.map(missing => ({do: 'trust', ...missing}) as const),
		...wish.units.flatMap(unit => unitChanges(unit, units.get(unit.name) ?? absentUnit, changed)),
	];
}

/** What a change does, as an order. Contents are never shown. */
export function titleOfChange(change: NodeChange): string {
	switch (change.do) {
		case 'write':
			return `${change.seen.kind === 'absent' ? 'write' : 'replace'} ${change.path}`;
		case 'load':
			return `load the kernel module ${change.module}`;
		case 'set':
			return `set ${change.name} to ${change.value}`;
		case 'swapoff':
			return `stop swapping to ${change.path}`;
		case 'trust':
			return titleOfTrust(change);
		case 'reload':
			return 'let systemd read its units again';
		default:
			return `${change.do} ${change.unit}`;
	}
}

const absentUnit: RecordedUnit = {enabled: 'not-found', active: 'inactive'};

function isUnitFile(path: string): boolean {
	return /^\/(?:etc|run|(?:usr\/)?lib)\/systemd\/system\//.test(path);
}

async function fileChanges(
	{path, content}: WantedFile,
	disk: string,
	options: NodeOptions,
): Promise<readonly NodeChange[]> {
	const ready = await readyContent(content, disk, options);
	const seen = await lookAtFile(disk, path, options);
	if (seen.kind === 'other') {
		throw new SealError('ERR_NODE_CONFLICT', `${path} is no file: there is a folder or a device in its place`, {
			hint: 'Move it away.',
		});
	}
	return isAsWished(ready, seen) ? [] : [{do: 'write', path, content: ready, seen}];
}

function isAsWished(content: ReadyContent, seen: SeenFile): boolean {
	if (content.kind === 'link') return seen.kind === 'link' && seen.target === content.target;
	return seen.kind === 'file' && seen.digest === content.digest && seen.mode === content.mode;
}

async function readyContent(content: FileContent, disk: string, options: NodeOptions): Promise<ReadyContent> {
	switch (content.kind) {
		case 'text':
			return {...content, digest: digestOfText(content.text)};
		case 'link':
			return {...content, digest: digestOfText(content.target), mode: 0o777};
		case 'copy': {
			const from = await resolved(content.from, disk);
			const seen = await lookAtFile(disk, from, options);
			if (seen.kind !== 'file') {
				throw new SealError('ERR_NODE_CONFLICT', `${content.from}, which is to be installed, is no file on the host`, {
					hint: 'Distribute the image again.',
				});
			}
			return {kind: 'copy', from, digest: seen.digest, mode: content.mode ?? seen.mode};
		}
	}
}

/** One link in an image is followed, as long as it stays in its folder: `kubectl -> kubectl-1.30`. */
async function resolved(path: string, disk: string): Promise<string> {
	const target = await readlink(join(disk, path)).catch(() => undefined);
	return target === undefined || target.includes('/') ? path : join(path, '..', target);
}

function unitChanges(unit: WantedUnit, seen: RecordedUnit, changed: ReadonlySet<string>): readonly NodeChange[] {
	const {name, enabled, active, restartFor = []} = unit;
	const changes: NodeChange[] = [];
	const isEnabled = seen.enabled === 'enabled' || seen.enabled === 'enabled-runtime';
	if (enabled === true && !isEnabled && seen.enabled !== 'static') changes.push({do: 'enable', unit: name, seen});
	if (enabled === false && isEnabled) changes.push({do: 'disable', unit: name, seen});
	const isActive = ['active', 'activating', 'reloading'].includes(seen.active);
	if (active === false && isActive) changes.push({do: 'stop', unit: name, seen});
	if (active === true && !isActive) changes.push({do: 'start', unit: name, seen});
	if (active !== false && isActive && restartFor.some(path => changed.has(path)))
		changes.push({do: 'restart', unit: name, seen});
	return changes;
}
