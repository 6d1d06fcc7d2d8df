import type {Distributed, HostDistributed} from '../../lib/runtime/distribute/distribute.js';
import type {HostPreview, Preview} from '../../lib/runtime/distribute/preview.js';
import type {HostOutcome} from '../../lib/runtime/host/each.js';
import type {Style} from './style.js';
import {type Column, renderTable} from './table.js';
import {count, formatBytes} from './units.js';

/** Of so many hosts each has a line; of more only their sum is told. */
const maxRows = 40;

const columns: readonly Column[] = [
	{title: 'HOST'},
	{title: 'PLATFORM'},
	{title: 'NEEDS', align: 'right'},
	{title: 'MOVED', align: 'right'},
	{title: 'FROM HOSTS', align: 'right'},
	{title: 'FROM HERE', align: 'right'},
	{title: 'UNPACKED', align: 'right'},
];

/** What every host got, and what left this machine for it. */
export function renderDistributed({outcomes, sentBytes}: Distributed, style: Style): string {
	const done = succeeded(outcomes);
	const moved = done.reduce((sum, [, {movedBytes}]) => sum + movedBytes, 0);
	const rows = done.map(([host, value]) => [
		host,
		value.platform,
		formatBytes(value.neededBytes),
		formatBytes(value.movedBytes),
		formatBytes(value.fetchedBytes),
		formatBytes(value.sentBytes),
		count(unpackedLayers(value), 'layer'),
	]);
	const sum =
		moved === 0
			? `Nothing to move: ${count(done.length, 'host')} had everything`
			: `Moved ${formatBytes(moved)} to ${count(done.length, 'host')}; ${formatBytes(sentBytes)} left this machine`;
	return done.length > maxRows || done.length === 0 ? sum : `${renderTable(columns, rows, style)}${sum}`;
}

const previewColumns: readonly Column[] = [
	{title: 'HOST'},
	{title: 'PLATFORM'},
	{title: 'NEEDS', align: 'right'},
	{title: 'MISSING', align: 'right'},
	{title: 'BLOBS', align: 'right'},
];

/** What would be done, host by host. */
export function renderPreview({outcomes, sentBytes}: Preview, style: Style): string {
	const seen = succeeded(outcomes);
	const rows = seen.map(([host, {platform, lacksAgent, neededBytes, missingBytes, missingBlobs}]) =>
		lacksAgent
			? [host, '', '', 'everything, and the agent', '']
			: [host, platform ?? '', formatBytes(neededBytes), formatBytes(missingBytes), String(missingBlobs)],
	);
	const missing = seen.reduce((sum, [, {missingBytes}]) => sum + missingBytes, 0);
	const unknown = seen.filter(([, {lacksAgent}]) => lacksAgent).length;
	const sum =
		missing === 0 && unknown === 0
			? 'Nothing would move'
			: `${formatBytes(missing)} would move${unknown === 0 ? '' : `, and everything to ${count(unknown, 'host')} without an agent`}; no host has ${formatBytes(sentBytes)} of it`;
	return `${renderTable(previewColumns, rows, style)}${sum}`;
}

function succeeded<T extends HostDistributed | HostPreview>(
	outcomes: readonly HostOutcome<T>[],
): readonly (readonly [string, T])[] {
	return outcomes.flatMap(outcome => (outcome.ok ? [[outcome.host, outcome.value] as const] : []));
}

function unpackedLayers({images}: HostDistributed): number {
	return images.reduce((sum, {unpacked}) => sum + unpacked, 0);
}
