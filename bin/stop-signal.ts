import {SealError} from '../lib/core/errors.js';

/** Aborts when the process is told to stop. A second signal ends it at once, whatever still cleans up. */
export function stopSignal(): AbortSignal {
	const controller = new AbortController();
	for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
		process.on(name, () => {
			if (controller.signal.aborted) process.exit(1);
			controller.abort(new SealError('ERR_ABORTED', `Stopped by ${name}`));
		});
	}
	// A reader that went away ends the session through the closed stream; without this it would end the process instead.
	process.stdout.on('error', () => undefined);
	process.stdin.on('error', () => undefined);
	return controller.signal;
}
