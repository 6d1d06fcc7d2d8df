import type {IncomingMessage, ServerResponse} from 'node:http';
import type {Socket} from 'node:net';

/** No client sends so many requests before it reads an answer. */
const maxWaiting = 256;

/**
 * Lets the requests of a connection be served one after the other. Node hands out all that came in one packet at once: a client
 * that takes no answer could otherwise have a file opened and buffers filled for each.
 */
export function createTurns(
	serve: (request: IncomingMessage, response: ServerResponse) => void,
): (request: IncomingMessage, response: ServerResponse) => void {
	const waiting = new WeakMap<Socket, number>();
	return (request, response) => {
		// A response has its connection when the answers before it are out.
		if (response.socket !== null) {
			serve(request, response);
			return;
		}
		const {socket} = request;
		const count = (waiting.get(socket) ?? 0) + 1;
		waiting.set(socket, count);
		if (count > maxWaiting) {
			socket.destroy();
			return;
		}
		response.once('socket', () => {
			waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
			serve(request, response);
		});
	};
}
