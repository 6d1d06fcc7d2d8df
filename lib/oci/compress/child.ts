import {type ChildProcessByStdio, spawn} from 'node:child_process';
import {once} from 'node:events';
import {Readable, type Writable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import type {Bytes} from '../../core/bytes.js';
import {SealError, systemCode} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';

/** A program that turns stdin into stdout, as compressors do. */
export interface Filter {
	readonly command: string;
	readonly args: readonly string[];
}

export type FilterProcess = ChildProcessByStdio<Writable, Readable, Readable>;

/** A running filter: the process, and how it ended. */
export interface RunningFilter {
	readonly child: FilterProcess;
	/** Rejects with ERR_COMPRESSION when the program is missing or fails. */
	readonly ended: Promise<void>;
}

/** Starts a filter; an abort kills it. */
export function startFilter(filter: Filter, options: Abortable = {}): RunningFilter {
	options.signal?.throwIfAborted();
	const child = spawn(filter.command, filter.args, {stdio: ['pipe', 'pipe', 'pipe']});
	let complaint = '';
	child.stderr.setEncoding('utf8').on('data', (text: string) => {
		complaint = (complaint + text).slice(-2000);
	});
	const stop = (): void => void child.kill('SIGKILL');
	options.signal?.addEventListener('abort', stop, {once: true});
	const ended = (async () => {
		try {
			const [code] = (await once(child, 'close')) as [number | null];
			options.signal?.throwIfAborted();
			if (code !== 0) throw failed(filter, code === null ? 'it was killed' : complaint.trim() || `exit code ${code}`);
		} catch (error) {
			if (systemCode(error) === 'ENOENT') throw missing(filter, error);
			throw error;
		} finally {
			options.signal?.removeEventListener('abort', stop);
		}
	})();
	// Who is interested awaits it; a process that is given up is not.
	ended.catch(() => undefined);
	return {child, ended};
}

/** Runs a stream through a filter. The process does not outlive the iteration. */
export async function* filterBytes(bytes: Bytes, filter: Filter, options: Abortable = {}): AsyncGenerator<Uint8Array> {
	const {child, ended} = startFilter(filter, options);
	let inputFailure: unknown;
	const feeding = pipeline(Readable.from(bytes, {objectMode: false}), child.stdin).catch((error: unknown) => {
		// A program that stops reading (EPIPE) says why itself; anything else is the source's failure.
		if (systemCode(error) === 'EPIPE' || systemCode(error) === 'ERR_STREAM_PREMATURE_CLOSE') return;
		inputFailure ??= error;
		child.kill('SIGKILL');
	});
	try {
		for await (const chunk of child.stdout) yield chunk as Uint8Array;
		await feeding;
		if (inputFailure !== undefined) throw inputFailure;
		await ended;
	} catch (error) {
		throw inputFailure ?? error;
	} finally {
		child.kill('SIGKILL');
		await ended.catch(() => undefined);
	}
}

function failed(filter: Filter, reason: string): SealError {
	return new SealError('ERR_COMPRESSION', `${filter.command} failed: ${reason}`);
}

function missing(filter: Filter, cause: unknown): SealError {
	return new SealError(
		'ERR_COMPRESSION',
		`This machine has no ${filter.command} program to read or write this format`,
		{
			hint: `Install ${filter.command}, or use gzip.`,
			cause,
		},
	);
}
