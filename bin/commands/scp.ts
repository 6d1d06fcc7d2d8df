import type {EventListener} from '../../lib/core/events.js';
import type {HostOutcome} from '../../lib/runtime/host/each.js';
import {onHosts} from '../../lib/runtime/host/on-hosts.js';
import {defineCommand, type Flags} from '../command.js';
import type {Context} from '../context.js';
import {hostHelp, hostLoginFlags, sudoFlag} from '../host-flags.js';
import {outcomeJson, reportHosts} from '../host-report.js';
import {type Reach, reachHosts} from '../reach.js';
import {count, formatBytes} from '../render/units.js';
import {prepareDownloads} from '../scp-down.js';
import {readScp, type ScpRequest} from '../scp-places.js';
import {sumTransfers} from '../scp-progress.js';
import {prepareUploads} from '../scp-up.js';
import type {Copied, CopyOptions} from '../scp-work.js';
import {UsageError} from '../usage-error.js';

const scpFlags = {
	...hostLoginFlags,
	...sudoFlag,
	mode: {
		type: 'string',
		value: 'MODE',
		help: 'the mode of files on the hosts, as 0644 (default: that of the file here)',
	},
	owner: {type: 'string', value: 'USER[:GROUP]', help: 'the owner on the hosts (default: who writes them)'},
	recursive: {type: 'boolean', short: 'r', help: 'for hands that know scp; folders are copied without it, too'},
} as const satisfies Flags;

export const command = defineCommand({
	description: `Copies files and folders to many hosts, or from them. HOSTS:PATH is a place on hosts, :PATH one on the hosts of the flags; the other side is here. Everything is verified by digest, written beside and renamed; what is there already is not sent, and a copy that was cut goes on where it was. A folder goes into the target under its name; with a slash at its end (conf/) its contents do. From several hosts each gets a folder of its own. ${hostHelp}`,
	operands: [
		{name: 'SOURCE', help: 'a file or folder, here or on hosts', completes: 'file'},
		{name: 'TARGET', help: 'further sources, and last where they go', variadic: true, completes: 'file'},
	],
	flags: scpFlags,
	examples: [
		{about: 'A file to many hosts', line: 'sealimage scp ./app.conf 10.0.0.5-10.0.0.9:/etc/app/'},
		{
			about: 'A folder to the nodes of a cluster, owned by a user there',
			line: 'sealimage scp --cluster default --roles node --owner app:app ./site :/srv/www',
		},
		{about: 'Logs of several hosts, each to a folder of its own', line: 'sealimage scp web1,web2:/var/log/syslog logs'},
	],
	async run({operands, flags}, context) {
		const request = readScp(operands);
		const options: CopyOptions = {
			as: flags.sudo ? 'root' : 'login',
			mode: readMode(flags.mode),
			owner: readOwner(flags.owner),
		};
		const reach = await reachHosts(flags, request.hosts, context);
		const startedMs = performance.now();
		const outcomes = await copy(request, reach, options, context);
		return {
			json: outcomes.map(outcome => outcomeJson(outcome, copied => ({...copied}))),
			text: () => '',
			exitCode: reportHosts(outcomes, performance.now() - startedMs, context, movedText(outcomes)),
		};
	},
});

async function copy(
	request: ScpRequest,
	{hosts, open, options}: Reach,
	how: CopyOptions,
	context: Context,
): Promise<readonly HostOutcome<Copied>[]> {
	const {onEvent} = context;
	const {signal} = options;
	const title = `scp ${request.sources[0]}${request.sources.length > 1 ? ` and ${request.sources.length - 1} more` : ''}`;
	const run = async (
		totalBytes: number | undefined,
		work: (
			transport: Parameters<Parameters<typeof onHosts>[2]>[0],
			options: {onEvent: EventListener},
		) => Promise<Copied>,
	): Promise<readonly HostOutcome<Copied>[]> => {
		const listen = sumTransfers(title, totalBytes, onEvent);
		return await onHosts(hosts, open, transport => work(transport, {onEvent: listen(transport.host)}), {
			...options,
			title,
		});
	};
	if (request.direction === 'up') {
		const uploads = await prepareUploads(request, how, context);
		const totalBytes = uploads.sizeBytes === undefined ? undefined : uploads.sizeBytes * hosts.length;
		return await run(totalBytes, (transport, listen) => uploads.send(transport, {signal, ...listen}));
	}
	const download = await prepareDownloads(request, hosts.length, how, context);
	return await run(undefined, (transport, listen) => download(transport, {signal, ...listen}));
}

/** "12 files, 1.2 GB, of which 3 MB moved" */
function movedText(outcomes: readonly HostOutcome<Copied>[]): string {
	const all = outcomes.flatMap(outcome => (outcome.ok ? [outcome.value] : []));
	const sum = (pick: (copied: Copied) => number): number => all.reduce((total, one) => total + pick(one), 0);
	const [files, sizeBytes, movedBytes] = [sum(one => one.files), sum(one => one.sizeBytes), sum(one => one.movedBytes)];
	const size = `${count(files, 'file')}, ${formatBytes(sizeBytes)}`;
	return movedBytes === sizeBytes ? size : `${size}, of which ${formatBytes(movedBytes)} moved`;
}

function readMode(text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	if (/^[0-7]{3,4}$/.test(text)) return Number.parseInt(text, 8);
	throw new UsageError(`--mode is three or four octal digits, found "${text}"`, {hint: 'Write it as 0644.'});
}

function readOwner(text: string | undefined): string | undefined {
	if (text === undefined || /^[\w][\w.-]*\$?(?::[\w][\w.-]*\$?)?$/.test(text)) return text;
	throw new UsageError(`--owner is USER or USER:GROUP, found "${text}"`);
}
