import {type EncoderOutput, ignore} from './encoder.js';

/** Jobs that run side by side, and whose results are put out in the order in which they were begun. */
export interface Turns {
	/** Everything up to now was put out. */
	readonly done: Promise<void>;
	/** Resolves when the result of the job was put out, and all before it. */
	take(job: Promise<Uint8Array>): Promise<void>;
}

/** @param first what is put out before all jobs */
export function createTurns(output: EncoderOutput, first?: Uint8Array): Turns {
	let turn = first === undefined ? Promise.resolve() : output(first);
	turn.catch(ignore);
	return {
		get done() {
			return turn;
		},
		take(job) {
			job.catch(ignore);
			const before = turn;
			turn = (async () => {
				await before;
				await output(await job);
			})();
			turn.catch(ignore);
			return turn;
		},
	};
}
