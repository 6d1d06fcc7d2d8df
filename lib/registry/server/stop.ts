import type {Server} from 'node:http';

/** Ends a server in order. */
export interface Stopper {
	/** Whether the end has begun: answers then tell clients to use another connection. */
	readonly isStopping: boolean;
	/**
	 * Takes no new connections, lets requests under way end, and resolves when all connections are gone. After `limitMs` those
	 * that are left are cut.
	 */
	stop(): Promise<void>;
}

const idleMs = 50;

export function createStopper(server: Server, limitMs: number): Stopper {
	let stopped: Promise<void> | undefined;
	return {
		get isStopping() {
			return stopped !== undefined;
		},
		stop() {
			stopped ??= new Promise(resolve => {
				const limit = setTimeout(() => server.closeAllConnections(), limitMs);
				// An answer whose head went out before the stop has told its client that the connection stays.
				const idle = setInterval(() => server.closeIdleConnections(), idleMs);
				server.close(() => {
					clearTimeout(limit);
					clearInterval(idle);
					resolve();
				});
				server.closeIdleConnections();
			});
			return stopped;
		},
	};
}
