import type {Server} from 'node:http';

/** Ends a server in order. */
export interface Stopper {
	/** Whether the end has begun: answers then tell clients to use another connection. */
	readonly isStopping: boolean;
	/** A request has ended: its connection may be idle now. */
	ended(): void;
	/**
	 * Takes no new connections, lets requests under way end, and resolves when all connections are gone. After `limitMs` those
	 * that are left are cut.
	 */
	stop(): Promise<void>;
}

export function createStopper(server: Server, limitMs: number): Stopper {
	let stopped: Promise<void> | undefined;
	return {
		get isStopping() {
			return stopped !== undefined;
		},
		ended() {
			if (stopped !== undefined) setImmediate(() => server.closeIdleConnections());
		},
		stop() {
			stopped ??= new Promise(resolve => {
				const timer = setTimeout(() => server.closeAllConnections(), limitMs);
				server.close(() => {
					clearTimeout(timer);
					resolve();
				});
				server.closeIdleConnections();
			});
			return stopped;
		},
	};
}
