import {writeFile} from 'node:fs/promises';
import {resolve} from 'node:path';
import {withIo} from '../lib/core/io-error.js';
import type {Platform} from '../lib/oci/platform.js';
import type {Tally} from '../lib/oci/tally.js';
import {type CopiedImage, copyImage} from '../lib/registry/place/copy-image.js';
import type {PlaceOptions} from '../lib/registry/place/options.js';
import {formatPlace, type Place} from '../lib/registry/place/parse.js';
import type {Flags, FlagValues, Result} from './command.js';
import type {Context} from './context.js';
import {registryFlags} from './registry-flags.js';
import {count, formatBytes} from './render/units.js';
import {readPlatform} from './store.js';
import {UsageError} from './usage-error.js';

/** The flags of every command that moves images. */
export const transferFlags = {
	all: {type: 'boolean', short: 'a', help: 'all platforms of an index; that is the default, and said for scripts'},
	platform: {type: 'string', value: 'PLATFORM', help: 'only the image for this platform', completes: 'platform'},
	'keep-index': {
		type: 'boolean',
		default: true,
		help: 'with --platform: keep the index, and with it the digest, although one image comes along only',
	},
	recheck: {
		type: 'boolean',
		help: 'ask for every blob even where the target has the manifest: mends a repository that lost some',
	},
	digestfile: {type: 'string', value: 'FILE', help: 'write the digest to this file', completes: 'file'},
	jobs: {type: 'integer', value: 'N', minimum: 1, help: 'how many blobs to move at once'},
	...registryFlags,
} as const satisfies Flags;

export const transferHelp =
	'All platforms come along unless --platform chooses one. What the target has is not moved again; what another repository of its registry has is mounted there. A transfer that was cut goes on where it ended when it is started again.';

export interface Transfer {
	readonly from: Place;
	readonly to: readonly Place[];
}

export interface Transferred extends Transfer, CopiedImage {}

export interface TransferRequest {
	readonly platform: Platform | undefined;
	readonly keepIndex: boolean;
	readonly concurrency: number | undefined;
	readonly recheck: boolean;
}

/** @throws UsageError */
export function readTransfer(flags: FlagValues<typeof transferFlags>): TransferRequest {
	const platform = readPlatform(flags.platform);
	if (flags.all && platform !== undefined)
		throw new UsageError('--all and --platform exclude each other', {hint: 'Leave out one of them.'});
	if (!flags['keep-index'] && platform === undefined) {
		throw new UsageError('--no-keep-index takes one image out of an index, and none is chosen', {
			hint: 'Choose it with --platform.',
		});
	}
	return {platform, keepIndex: flags['keep-index'], concurrency: flags.jobs, recheck: flags.recheck};
}

/** Copies one image after another, each as a step of the progress display. */
export async function transferAll(
	verb: 'pull' | 'push' | 'copy',
	transfers: readonly Transfer[],
	request: TransferRequest,
	options: PlaceOptions,
	{onEvent}: Context,
): Promise<readonly Transferred[]> {
	const done: Transferred[] = [];
	for (const transfer of transfers) {
		const id = `transfer ${done.length}`;
		const shown = verb === 'push' ? (transfer.to[0] ?? transfer.from) : transfer.from;
		const step = {id, title: `${verb} ${formatPlace(shown).replace(verb === 'copy' ? '' : /^docker:\/\//, '')}`};
		const startedMs = performance.now();
		onEvent({type: 'step.started', ...step});
		const copied = await copyImage(transfer.from, transfer.to, {...options, ...request});
		const sizeBytes = copied.tally.sent.bytes;
		onEvent({type: 'step.finished', ...step, sizeBytes, elapsedMs: performance.now() - startedMs});
		done.push({...transfer, ...copied});
	}
	return done;
}

/** The result of a transfer: what is where now, and what moved for it. */
export async function transferResult(
	done: readonly Transferred[],
	moved: 'fetched' | 'sent' | 'copied',
	flags: FlagValues<typeof transferFlags>,
	{io, quiet}: Context,
): Promise<Result> {
	const digests = done.map(({descriptor}) => descriptor.digest);
	if (flags.digestfile !== undefined) {
		const path = resolve(io.cwd, flags.digestfile);
		await withIo('write', path, () => writeFile(path, digests.join('\n')));
	}
	return {
		json: done.map(({from, targets, descriptor, tally}) => ({
			source: formatPlace(from),
			targets: targets.map(formatPlace),
			digest: descriptor.digest,
			mediaType: descriptor.mediaType,
			...tally,
		})),
		text: () =>
			done
				.flatMap(({targets, descriptor, tally}) =>
					quiet
						? [descriptor.digest]
						: [
								...targets.map(place => `${formatPlace(place)} is ${descriptor.digest}`),
								`  ${tallyText(tally, moved)}`,
							],
				)
				.join('\n'),
	};
}

/** "sent 12 MB in 3 blobs, mounted 5 MB in 1 blob, 100 MB in 20 blobs there already". */
function tallyText({sent, mounted, skipped}: Tally, moved: string): string {
	const parts = [
		...(mounted.blobs > 0 ? [`mounted ${formatBytes(mounted.bytes)} in ${count(mounted.blobs, 'blob')}`] : []),
		...(skipped.blobs > 0 ? [`${formatBytes(skipped.bytes)} in ${count(skipped.blobs, 'blob')} there already`] : []),
	];
	const first =
		sent.blobs === 0 ? `nothing ${moved}` : `${moved} ${formatBytes(sent.bytes)} in ${count(sent.blobs, 'blob')}`;
	return [first, ...parts].join(', ');
}
