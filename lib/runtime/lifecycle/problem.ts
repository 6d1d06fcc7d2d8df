/** Something about a request that stops it (`error`), or may hurt later (`warning`). */
export interface Problem {
	readonly severity: 'error' | 'warning';
	/** Of an error as in the table of codes; of a warning as events have it: `EvenMasters`. */
	readonly code: string;
	/** The names of those that it is about; none when it is about the cluster. */
	readonly hosts: readonly string[];
	/** What was found, without the hosts and without a full stop. */
	readonly message: string;
	/** What to do: one imperative sentence. */
	readonly hint: string;
}

/** The problem as a list, when there are hosts that it is about. */
export function about(hosts: readonly string[], problem: Omit<Problem, 'hosts'>): readonly Problem[] {
	return hosts.length === 0 ? [] : [{...problem, hosts}];
}

/** The problem as a list, when it is there. */
export function when(isThere: boolean, problem: () => Omit<Problem, 'hosts'>): readonly Problem[] {
	return isThere ? [{...problem(), hosts: []}] : [];
}
