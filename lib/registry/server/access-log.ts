import type {Writable} from 'node:stream';

/** One request that is over, for logs and metrics. */
export interface RequestRecord {
	/** Milliseconds since the epoch, when the request came. */
	readonly time: number;
	readonly client: string;
	readonly user: string | undefined;
	readonly method: string;
	/** Without its query, which may hold secrets. */
	readonly path: string;
	/** `manifest`, `blob`, ...; undefined for paths that mean nothing. */
	readonly route: string | undefined;
	readonly repository: string;
	readonly status: number;
	/** False when the client went away or was cut before the answer had its end. */
	readonly complete: boolean;
	readonly bytesIn: number;
	readonly bytesOut: number;
	readonly durationMs: number;
	readonly userAgent: string | undefined;
}

export interface AccessLog {
	write(record: RequestRecord): void;
	/** Lines that were left out, since nobody took those before them. */
	readonly dropped: number;
}

/** Beyond this the reader of the log hangs: memory is worth more than lines. */
const maxHeldBytes = 16 * 1024 * 1024;
const maxTextLength = 1024;

/** Writes one JSON object a line. The stream stays the caller's: it is neither ended nor waited for. */
export function createAccessLog(stream: Writable): AccessLog {
	let dropped = 0;
	return {
		get dropped() {
			return dropped;
		},
		write(record) {
			if (stream.destroyed || stream.writableEnded || stream.writableLength > maxHeldBytes) {
				dropped++;
				return;
			}
			stream.write(lineOf(record));
		},
	};
}

function lineOf(record: RequestRecord): string {
	const {time, path, durationMs, userAgent, user, repository, route: _route, ...rest} = record;
	const line = JSON.stringify({
		time: new Date(time).toISOString(),
		...rest,
		path: path.slice(0, maxTextLength),
		...(user === undefined ? {} : {user: user.slice(0, maxTextLength)}),
		...(repository === '' ? {} : {repository}),
		...(userAgent === undefined ? {} : {userAgent: userAgent.slice(0, maxTextLength)}),
		durationMs: Math.round(durationMs * 1000) / 1000,
	});
	// Text from outside must not move the cursor of who reads the log: JSON itself escapes only the first 32 characters.
	return `${line.replace(/[\u007f-\uffff]/g, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}
