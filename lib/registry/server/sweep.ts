import {isSealError} from '../../core/errors.js';
import {emit} from '../../core/events.js';
import type {RegistryStorage} from '../storage/storage.js';
import type {ServeOptions} from './options.js';

const weekMs = 7 * 24 * 60 * 60 * 1000;
const hourMs = 60 * 60 * 1000;

/**
 * Removes the uploads that nobody goes on with: at once, and from then on every hour. A failure is told and tried again.
 * @returns a function that ends it
 */
export function sweepUploads(storage: RegistryStorage, options: ServeOptions): () => void {
	const {readOnly = false, uploadIdleMs = weekMs} = options;
	if (readOnly) return () => {};
	const sweep = (): void => {
		storage.uploads.sweep(uploadIdleMs).catch((error: unknown) => {
			emit(options, {
				type: 'warning',
				code: isSealError(error) ? error.code : 'ERR_INTERNAL',
				message: `Uploads that were given up cannot be removed: ${error instanceof Error ? error.message : String(error)}`,
			});
		});
	};
	sweep();
	const timer = setInterval(sweep, Math.min(hourMs, uploadIdleMs)).unref();
	return () => clearInterval(timer);
}
