import {type FileHandle, mkdir, open, readdir, readFile, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {SealError} from '../../core/errors.js';
import type {EventListener, SealEvent} from '../../core/events.js';
import {ifExists, ioError, withIo} from '../../core/io-error.js';
import type {Secret} from '../../core/secret.js';
import {createMask} from './mask.js';

export interface RunLogOptions {
	/** `ClusterCache.logFolder`. */
	readonly folder: string;
	/** What was asked for: `run`, `add`. */
	readonly verb: string;
	/** Of this sealimage. */
	readonly version: string;
	/** What must not stand in the log, wherever it turns up. */
	readonly secrets?: readonly Secret[] | undefined;
	/** Milliseconds since 1970. */
	readonly now?: (() => number) | undefined;
	/** So many logs are kept, the newest. Default 50. */
	readonly keep?: number | undefined;
}

/** The log of one run: one JSON document a line, only for its owner to read. */
export interface RunLog {
	/** `20261122T013000Z-run`. */
	readonly id: string;
	readonly path: string;
	/** Writes an event down. What is told many times a second is left out. */
	readonly onEvent: EventListener;
	/** Keeps one more value out of what comes from now on. */
	hide(secret: Secret): void;
	/** Writes what became of it, and closes the file. Safe to call twice; a log that cannot be written is no failure of the run. */
	end(result: {readonly exitCode: number; readonly error?: unknown}): Promise<void>;
}

/** @throws SealError ERR_IO, ERR_PERMISSION, ERR_NO_SPACE when it cannot be begun */
export async function openRunLog(options: RunLogOptions): Promise<RunLog> {
	const {folder, verb, version, now = Date.now} = options;
	const mask = createMask(options.secrets ?? []);
	const startedMs = now();
	await withIo('make', folder, () => mkdir(folder, {recursive: true, mode: 0o700}));
	await removeOld(folder, (options.keep ?? 50) - 1);
	const {id, path, file} = await createFile(folder, `${stamp(startedMs)}-${verb.replaceAll(/[^a-z-]/g, '-')}`);
	const stream = file.createWriteStream();
	let sizeBytes = 0;
	let isWhole = true;
	stream.on('error', () => {
		isWhole = false;
	});
	const write = (line: Readonly<Record<string, unknown>>): void => {
		if (!isWhole || stream.writableEnded) return;
		const text = `${JSON.stringify(mask.value({atMs: now() - startedMs, ...line}))}\n`;
		sizeBytes += text.length;
		if (sizeBytes > maxLogBytes && line.type !== 'end') {
			isWhole = false;
			stream.write(`${JSON.stringify({type: 'log.cut', limitBytes: maxLogBytes})}\n`);
		} else stream.write(text);
	};
	write({type: 'run', schema: 1, id, verb, version, startedAt: new Date(startedMs).toISOString()});
	return {
		id,
		path,
		onEvent: event => {
			if (!tooOften.has(event.type)) write({...event});
		},
		hide: secret => mask.add(secret),
		async end({exitCode, error}) {
			if (stream.writableEnded) return;
			isWhole = !stream.destroyed;
			write({type: 'end', exitCode, ...(error === undefined ? {} : {error: reportOf(error)})});
			await new Promise<void>(resolve => {
				stream.once('close', resolve);
				if (stream.destroyed) resolve();
				stream.end();
			});
		},
	};
}

/** The ids of the runs that have a log, the oldest first. @throws SealError ERR_IO, ERR_PERMISSION */
export async function listRunLogs(folder: string): Promise<readonly string[]> {
	const names = (await withIo('read', folder, () => ifExists(() => readdir(folder)))) ?? [];
	return names
		.filter(name => name.endsWith(suffix) && idPattern.test(name.slice(0, -suffix.length)))
		.map(name => name.slice(0, -suffix.length))
		.sort();
}

/**
 * The lines of a log as they were written, those that a crash left torn left out.
 * @throws SealError ERR_RUN_LOG when there is none of this id, ERR_IO, ERR_PERMISSION
 */
export async function readRunLog(folder: string, id: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
	const path = join(folder, `${id}${suffix}`);
	const content = idPattern.test(id)
		? await withIo('read', path, () => ifExists(() => readFile(path, 'utf8')))
		: undefined;
	if (content === undefined) {
		throw new SealError('ERR_RUN_LOG', `There is no log of a run ${JSON.stringify(id.slice(0, 100))}`, {
			hint: 'Look at the ids of runs with "sealimage logs --list".',
		});
	}
	return content.split('\n').flatMap(line => {
		try {
			const value: unknown = JSON.parse(line);
			return typeof value === 'object' && value !== null ? [value as Record<string, unknown>] : [];
		} catch {
			return [];
		}
	});
}

const suffix = '.jsonl';
const idPattern = /^\d{8}T\d{6}Z-[a-z-]{1,30}(?:-\d{1,4})?$/;
const maxLogBytes = 64 * 1024 * 1024;
const tooOften: ReadonlySet<SealEvent['type']> = new Set(['blob.progress', 'hosts.progress'] as const);

function stamp(ms: number): string {
	return `${new Date(ms).toISOString().replaceAll(/[-:]/g, '').slice(0, 15)}Z`;
}

/** Two runs may begin in one second. */
async function createFile(
	folder: string,
	wanted: string,
): Promise<{readonly id: string; readonly path: string; readonly file: FileHandle}> {
	for (let number = 1; ; number++) {
		const id = number === 1 ? wanted : `${wanted}-${number}`;
		const path = join(folder, `${id}${suffix}`);
		try {
			return {id, path, file: await open(path, 'wx', 0o600)};
		} catch (error) {
			if ((error as {code?: unknown}).code !== 'EEXIST' || number > 1000) throw ioError(error, 'make', path);
		}
	}
}

async function removeOld(folder: string, keep: number): Promise<void> {
	const ids = await listRunLogs(folder);
	for (const id of ids.slice(0, Math.max(0, ids.length - keep)))
		await rm(join(folder, `${id}${suffix}`), {force: true}).catch(() => undefined);
}

function reportOf(error: unknown): unknown {
	if (error instanceof SealError) return error.toJSON();
	return error instanceof Error
		? {code: error.name, message: error.message}
		: {code: 'UNKNOWN', message: String(error)};
}
