import {isSealError, SealError} from '../../core/errors.js';
import type {RemoteProcess} from '../transport/transport.js';

/** More than the fullest host tells, and little enough that a thousand hosts at once fit into memory. */
const mostOutputBytes = 4 * 1024 * 1024;
const mostComplaintBytes = 4096;

/** One question to a process and its whole answer, with the times at which it was sent and began to be answered. */
export class Conversation {
	readonly #remote: RemoteProcess;
	readonly #now: () => number;
	readonly #chunks: Buffer[] = [];
	readonly #complaints: Buffer[] = [];
	/** By the operator's clock. */
	sentMs = 0;
	receivedMs = 0;

	constructor(remote: RemoteProcess, now: () => number) {
		this.#remote = remote;
		this.#now = now;
	}

	/** What has come until now. */
	get output(): Buffer {
		return Buffer.concat(this.#chunks);
	}

	/** The beginning of what came over stderr, printable. */
	get complaint(): string {
		return Buffer.concat(this.#complaints)
			.toString()
			.replace(/[^\x20-\x7e\n]/g, '?')
			.trim();
	}

	/**
	 * Resolves when the process has ended.
	 * @throws SealError ERR_FACTS when the answer is too long; what `RemoteProcess.exit` rejects with
	 */
	async ask(question: string): Promise<void> {
		this.sentMs = this.#now();
		this.receivedMs = this.sentMs;
		// A process that ends before it has read everything is seen by its exit.
		this.#remote.stdin.on('error', () => undefined);
		this.#remote.stdin.end(question);
		await Promise.all([
			this.#listen().catch(passOverBreak),
			this.#listenToComplaints().catch(passOverBreak),
			this.#remote.exit,
		]);
	}

	async #listen(): Promise<void> {
		let sizeBytes = 0;
		for await (const chunk of this.#remote.stdout as AsyncIterable<Buffer>) {
			if (sizeBytes === 0) this.receivedMs = this.#now();
			sizeBytes += chunk.length;
			if (sizeBytes > mostOutputBytes) {
				throw new SealError('ERR_FACTS', `The facts do not end: the host told more than ${mostOutputBytes >> 20} MiB`, {
					hint: 'Look at /etc on the host for a file that has grown beyond all measure.',
				});
			}
			this.#chunks.push(chunk);
		}
	}

	async #listenToComplaints(): Promise<void> {
		let sizeBytes = 0;
		for await (const chunk of this.#remote.stderr as AsyncIterable<Buffer>) {
			if (sizeBytes < mostComplaintBytes) this.#complaints.push(chunk.subarray(0, mostComplaintBytes - sizeBytes));
			sizeBytes += chunk.length;
		}
	}
}

/** A stream that breaks off is no error of its own: the exit of the process tells why. */
function passOverBreak(error: unknown): void {
	if (isSealError(error)) throw error;
}
