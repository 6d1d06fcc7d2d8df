import {setTimeout as sleep} from 'node:timers/promises';
import {waitFor} from '../../../core/abortable.js';
import type {Abortable} from '../../../core/events.js';
import {isRefusal} from './ssh2.js';

/**
 * Lets as many commands run at once on a connection as the server takes (MaxSessions of sshd, 10 by default). Nothing tells
 * the number: it is learnt from the first refusal.
 */
export class SessionGate {
	#limit = Number.POSITIVE_INFINITY;
	/** Started or about to be. */
	#taken = 0;
	#running = 0;
	readonly #waiting: Array<() => void> = [];

	/** Starts a command when there is a place for it; the place is free again when `exit` settles. Rejects as `start`. */
	async open<T extends {readonly exit: Promise<unknown>}>(
		start: () => Promise<T>,
		options: Abortable = {},
	): Promise<T> {
		for (let refusals = 0; ; refusals++) {
			await this.#enter(options);
			try {
				const started = await start();
				this.#running++;
				const leave = (): void => {
					this.#running--;
					this.#leave();
				};
				started.exit.then(leave, leave);
				return started;
			} catch (error) {
				this.#leave();
				if (!isRefusal(error) || (this.#running === 0 && refusals >= maxRefusals)) throw error;
			}
			const isLearnt = this.#limit < Number.POSITIVE_INFINITY;
			if (this.#running > 0 && (!isLearnt || refusals >= maxRefusals)) this.#limit = this.#running;
			// sshd gives a place back a moment after it said that the command had ended.
			else await sleep(20 * (refusals + 1));
		}
	}

	async #enter(options: Abortable): Promise<void> {
		options.signal?.throwIfAborted();
		while (this.#taken >= this.#limit) {
			let wake = (): void => undefined;
			const woken = new Promise<void>(resolve => {
				wake = resolve;
			});
			this.#waiting.push(wake);
			try {
				await waitFor(woken, options);
			} catch (error) {
				const place = this.#waiting.indexOf(wake);
				if (place >= 0) this.#waiting.splice(place, 1);
				else this.#waiting.shift()?.();
				throw error;
			}
		}
		this.#taken++;
	}

	#leave(): void {
		this.#taken--;
		this.#waiting.shift()?.();
	}
}

const maxRefusals = 5;
