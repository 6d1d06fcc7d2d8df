import type {EventListener, SealEvent} from '../lib/core/events.js';

/** One bar for all files on all hosts, under the id that `hosts.progress` has. */
export function sumTransfers(
	id: string,
	totalBytes: number | undefined,
	onEvent: EventListener,
): (host: string) => EventListener {
	const done = new Map<string, number>();
	let doneBytes = 0;
	let last = Number.NEGATIVE_INFINITY;
	const count = (key: string, bytes: number): void => {
		doneBytes += bytes - (done.get(key) ?? 0);
		done.set(key, bytes);
		const now = performance.now();
		if (now - last < 100) return;
		last = now;
		onEvent({type: 'blob.progress', id, doneBytes, ...(totalBytes === undefined ? {} : {totalBytes})});
	};
	return host => (event: SealEvent) => {
		switch (event.type) {
			case 'blob.progress':
				count(`${host} ${event.id}`, event.doneBytes);
				break;
			case 'blob.finished':
			case 'blob.skipped':
				count(`${host} ${event.id}`, event.sizeBytes);
				break;
			default:
				onEvent(event);
		}
	};
}
