/** What to do with typed bytes. */
export interface Typed {
	/** To the host. */
	readonly send: Buffer;
	/** `disconnect` when the escape was typed, `help` when it was asked for. */
	readonly act?: 'disconnect' | 'help';
}

/**
 * The escapes of ssh, for connections that answer no more: after a newline, `~.` ends the connection, `~?` explains, `~~` is
 * one `~`. Everything else goes to the host as it is. Returns a function that takes what is typed, chunk by chunk.
 */
export function createEscapes(): (typed: Buffer) => Typed {
	let state: 'line start' | 'tilde' | 'within' = 'line start';
	return typed => {
		const send: number[] = [];
		for (const byte of typed) {
			if (state === 'tilde') {
				if (byte === dot) return {send: Buffer.from(send), act: 'disconnect'};
				if (byte === question) {
					state = 'line start';
					return {send: Buffer.from(send), act: 'help'};
				}
				if (byte !== tilde) send.push(tilde);
			} else if (state === 'line start' && byte === tilde) {
				state = 'tilde';
				continue;
			}
			send.push(byte);
			state = byte === carriageReturn || byte === lineFeed ? 'line start' : 'within';
		}
		return {send: Buffer.from(send)};
	};
}

export const escapeHelp = 'Escapes, after a newline:\r\n ~.  end the connection\r\n ~~  send a ~\r\n ~?  this text\r\n';

const [tilde, dot, question, carriageReturn, lineFeed] = [0x7e, 0x2e, 0x3f, 0x0d, 0x0a] as const;
