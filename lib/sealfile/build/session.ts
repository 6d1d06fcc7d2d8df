import {emit, type OperationOptions} from '../../core/events.js';
import {createGate} from '../../core/pool.js';
import {type Compression, defaultCompression} from '../../oci/compress/compression.js';
import type {Digest} from '../../oci/digest.js';
import type {FileSource} from '../context/file-source.js';
import type {IgnoreRules} from '../context/ignore.js';
import type {Diagnostic} from '../diagnostic.js';
import {type BuildCache, contextRecord, openBuildCache} from './cache.js';
import type {KnownCopies} from './known-copies.js';
import type {BuildOptions, BuildStore} from './options.js';
import {openStatCache, type StatCache} from './stat-cache.js';

/** What the steps of one build share. */
export interface BuildSession {
	readonly options: BuildOptions;
	/** The signal and the listener, to hand down. */
	readonly operation: OperationOptions;
	readonly store: BuildStore;
	readonly cache: BuildCache;
	readonly stats: StatCache;
	readonly known: KnownCopies;
	readonly context: FileSource;
	/** What the context leaves out. */
	readonly ignore: IgnoreRules;
	/** Removed when the build ends, however it ends. */
	readonly scratchDir: string;
	readonly file: string;
	readonly compression: Compression;
	/** Layers that do not compress stay plain (see layer-compression.ts). */
	readonly automatic: boolean;
	/** Bounds the layers written at once. */
	readonly writers: ReturnType<typeof createGate>;
	/** Layers that this build writes or wrote, by shape: a second of the same shape waits, then looks into the cache again. */
	readonly underWay: Map<string, Promise<unknown>>;
	/** Plain layers verified in this build already. */
	readonly verified: Set<Digest>;
	readonly diagnostics: Diagnostic[];
}

export type SessionParts = Pick<BuildSession, 'options' | 'context' | 'ignore' | 'known' | 'file' | 'scratchDir'>;

export function openSession(parts: SessionParts): BuildSession {
	const {options} = parts;
	const cache = openBuildCache(options.store.cacheDir, options.store);
	return {
		...parts,
		operation: {signal: options.signal, onEvent: options.onEvent},
		store: options.store,
		cache,
		stats: openStatCache(
			contextRecord(options.store.cacheDir, 'stat', options.context),
			options.context,
			options.now ?? Date.now,
		),
		compression: typeof options.compression === 'object' ? options.compression : defaultCompression,
		automatic: typeof options.compression !== 'object',
		writers: createGate(options.jobs ?? 2),
		underWay: new Map(),
		verified: new Set(),
		diagnostics: [],
	};
}

/** Keeps a diagnostic for the result and tells the listener at once; the same one is told once, whatever the platforms. */
export function report(session: BuildSession, diagnostic: Diagnostic): void {
	const same = (other: Diagnostic): boolean =>
		other.code === diagnostic.code &&
		other.message === diagnostic.message &&
		other.range.startLine === diagnostic.range.startLine;
	if (session.diagnostics.some(same)) return;
	session.diagnostics.push(diagnostic);
	const {code, message, hint, file, range} = diagnostic;
	emit(session.operation, {
		type: 'warning',
		code,
		message,
		file,
		line: range.startLine,
		...(hint === undefined ? {} : {hint}),
	});
}
