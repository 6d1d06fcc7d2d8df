import {open, stat} from 'node:fs/promises';
import {SealError} from '../../core/errors.js';
import {emit, type Observable} from '../../core/events.js';
import {ifExists, withIo} from '../../core/io-error.js';

/** What was made of files, kept up to date. */
export interface Watched<T> {
	/** The newest value that could be made. Looks at the files first, at most once in `checkMs`. */
	get(): Promise<T>;
}

export interface WatchOptions extends Observable {
	/** Default 1000. */
	readonly checkMs?: number | undefined;
	/** Longer files are refused. Default 4 MiB. */
	readonly maxBytes?: number | undefined;
	/** The warning of a change that cannot be used: `RegistryAccessFile`. */
	readonly warningCode: string;
}

/**
 * Reads files now and again whenever one of them changes. When the new content cannot be used (a file half written, a key
 * that does not belong to its certificate), the old value stays and a warning says why, once for each change.
 * @throws SealError what `make` throws for the first content; ERR_IO, ERR_PERMISSION
 */
export async function watchFiles<T>(
	paths: readonly string[],
	make: (contents: readonly Buffer[]) => T | Promise<T>,
	options: WatchOptions,
): Promise<Watched<T>> {
	const {checkMs = 1000, maxBytes = 4 * 1024 * 1024} = options;
	const load = async (): Promise<T> => make(await Promise.all(paths.map(path => readLimited(path, maxBytes))));
	let seen = await fingerprint(paths);
	let value = await load();
	let lookedAt = performance.now();
	let running: Promise<void> | undefined;
	const look = async (): Promise<void> => {
		const found = await fingerprint(paths).catch(() => 'unreadable');
		lookedAt = performance.now();
		if (found === seen) return;
		try {
			value = await load();
			seen = found;
		} catch (error) {
			seen = found;
			const message = error instanceof Error ? error.message : String(error);
			emit(options, {
				type: 'warning',
				code: options.warningCode,
				message: `${message}; what was read before stays in force`,
			});
		}
	};
	return {
		async get() {
			if (running !== undefined || performance.now() - lookedAt >= checkMs) {
				running ??= look().finally(() => {
					running = undefined;
				});
				await running;
			}
			return value;
		},
	};
}

/** Changes with every way in which a file is replaced: written in place, renamed over, or a link that leads elsewhere. */
async function fingerprint(paths: readonly string[]): Promise<string> {
	const facts = await Promise.all(paths.map(path => ifExists(() => stat(path, {bigint: true}))));
	return facts
		.map(one => (one === undefined ? 'absent' : `${one.dev}.${one.ino}.${one.size}.${one.mtimeNs}.${one.ctimeNs}`))
		.join(' ');
}

async function readLimited(path: string, maxBytes: number): Promise<Buffer> {
	return await withIo('read', path, async () => {
		const file = await open(path, 'r');
		try {
			const {size} = await file.stat();
			if (size > maxBytes) {
				throw new SealError('ERR_ACCESS_FILE', `${path} has ${size} bytes, at most ${maxBytes} are read`);
			}
			return await file.readFile();
		} finally {
			await file.close();
		}
	});
}
