/** Kernels stamp changes with the time of the last tick, at most 10 ms old; file systems without sub-second times round to 2 s (FAT). */
const tickMs = 100;
const coarseMs = 2000;

/**
 * True when a change after `nowMs` is certain to show in the change time of a file that has `ctimeMs` now: a younger file
 * could change again without a new stamp (git's "racily clean" entries).
 */
export function isSettled(ctimeMs: number, nowMs: number): boolean {
	return ctimeMs + (ctimeMs % 1000 === 0 ? coarseMs : tickMs) < nowMs;
}
