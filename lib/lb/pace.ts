/** Before the first probe: nodes that start together do not ask together. */
export function firstPauseMs(intervalMs: number, random: () => number): number {
	return random() * intervalMs;
}

/**
 * After a probe that took so long. No two intervals are the same, so that nodes which came to ask together, as after a network was gone, drift apart again. What says
 * whether a member is dead is wanted at once.
 */
export function pauseMs(intervalMs: number, tookMs: number, isSuspect: boolean, random: () => number): number {
	if (isSuspect) return Math.min(100, intervalMs);
	return Math.max(0, intervalMs * (0.9 + 0.2 * random()) - tookMs);
}
