import type {HostFacts} from '../facts/facts.js';
import type {HostFinding} from './finding.js';
import type {HostNeeds, PreflightOptions} from './options.js';

/** What a check stands for, whatever it finds. */
export interface CheckTopic {
	/** The id of its findings. */
	readonly id: string;
	readonly severity: HostFinding['severity'];
	readonly why: string;
	readonly mend: string;
}

/** What a check saw: a sentence, or one with a severity and a remedy of its own. */
export type Seen =
	| string
	| {
			readonly what: string;
			/** What differs from host to host: it does not keep findings apart that are the same otherwise. */
			readonly detail?: string | undefined;
			readonly severity?: HostFinding['severity'] | undefined;
			readonly mend?: string | undefined;
	  };

/** Judges one host. Pure. */
export interface HostCheck extends CheckTopic {
	readonly look: (facts: HostFacts, needs: HostNeeds, options: PreflightOptions) => readonly Seen[];
}

/** Judges all hosts together; `look` is called once. Pure. */
export interface FleetCheck extends CheckTopic {
	readonly compare: (
		all: readonly HostFacts[],
		options: PreflightOptions,
	) => readonly {readonly hosts: readonly string[]; readonly seen: Seen}[];
}

/** `when` as an empty list or one sentence. */
export function seen(when: boolean, what: () => Seen): readonly Seen[] {
	return when ? [what()] : [];
}

/** `1621 MiB` or `12.5 GiB`: fine enough that what is there and what is needed do not look alike. */
export function size(bytes: number): string {
	const mebibytes = bytes / 2 ** 20;
	return mebibytes < 10_240 ? `${Math.floor(mebibytes)} MiB` : `${Math.floor(mebibytes / 102.4) / 10} GiB`;
}

/** `a, b and c`. */
export function listing(words: readonly string[]): string {
	return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)!}`;
}
