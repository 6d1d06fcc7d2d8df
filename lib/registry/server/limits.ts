/** What a server bears. Everything has a default that honest clients do not notice. */
export interface ServerLimits {
	/** The head of a request; default 32 KiB: tokens are long. */
	readonly headerBytes?: number | undefined;
	/** The largest blob that is taken. Default: none. */
	readonly blobBytes?: number | undefined;
	/** Requests that carry content at once; more are answered with 429. Default 256. */
	readonly uploads?: number | undefined;
	/** Connections at once; more are closed. Default 8192. */
	readonly connections?: number | undefined;
	/** Connections of one address (of IPv6, one /64 network) at once. Default 1024. */
	readonly connectionsPerClient?: number | undefined;
	/** How long a client may take for a handshake and for the head of a request. Default 20 s. */
	readonly headersMs?: number | undefined;
	/** How long a client may send nothing of a body, or take nothing of an answer. A transfer that moves may last. Default 60 s. */
	readonly idleMs?: number | undefined;
	/** How long a connection is kept for the next request. Default 75 s: longer than the clients keep theirs. */
	readonly keepAliveMs?: number | undefined;
}

export type EffectiveLimits = {readonly [K in Exclude<keyof ServerLimits, 'blobBytes'>]-?: number} & {
	readonly blobBytes: number | undefined;
};

export function effectiveLimits(limits: ServerLimits = {}): EffectiveLimits {
	return {
		headerBytes: limits.headerBytes ?? 32 * 1024,
		blobBytes: limits.blobBytes,
		uploads: limits.uploads ?? 256,
		connections: limits.connections ?? 8192,
		connectionsPerClient: limits.connectionsPerClient ?? 1024,
		headersMs: limits.headersMs ?? 20_000,
		idleMs: limits.idleMs ?? 60_000,
		keepAliveMs: limits.keepAliveMs ?? 75_000,
	};
}
