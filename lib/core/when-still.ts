import type {Socket} from 'node:net';

/**
 * For a socket whose time-out is over: calls back when it really was still. A process that could not run for a while, as on a machine that was paused, has
 * its timers go off before it has read what came meanwhile; so that is read first, and if there is any, the socket's next time-out counts.
 */
export function whenStill(socket: Socket, callback: () => void): void {
	const {bytesRead} = socket;
	setImmediate(() => {
		if (!socket.destroyed && socket.bytesRead === bytesRead) callback();
	});
}
