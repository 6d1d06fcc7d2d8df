/** Something about one or more hosts that stops the work (`error`) or may hurt later (`warning`). */
export interface HostFinding {
	/** Stable, for scripts and for `ignore`: `duplicate-machine-id`. */
	readonly id: string;
	readonly severity: 'error' | 'warning';
	/** Every host that it is true of, in the order of the facts. */
	readonly hosts: readonly string[];
	/** What was found: one sentence without a full stop. */
	readonly what: string;
	/** Why it matters. */
	readonly why: string;
	/** What to do: one imperative sentence. */
	readonly mend: string;
}
