/** What one second of traffic came to. Times are those of the node, in milliseconds since the epoch. */
export interface Second {
	/** Its end. */
	readonly at: number;
	/** New connections that were begun, and those that ended without an answer. */
	readonly opened: number;
	readonly failed: number;
	/** Why they failed: what the kernel said, or `silence`. */
	readonly why: Record<string, number>;
	/** When the last one was begun of those that failed. */
	readonly lastFailedAt?: number;
	/** Answers by server. */
	readonly by: Record<string, number>;
	/** Long connections that were cut, and when the last one was. */
	readonly cut: number;
	readonly lastCutAt?: number;
	/** Long connections that live, by server; those among them that have heard nothing for three seconds. */
	readonly long: Record<string, number>;
	readonly stuck: number;
	/** The longest time in which the client could not run. */
	readonly stalledMs: number;
}
