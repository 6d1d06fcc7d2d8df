/** What a token is good for: actions by resource (`repository:library/redis`). */
export type Scopes = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Reads scopes as challenges have them, separated by spaces: `repository:a/b:pull,push registry:catalog:*` (distribution,
 * "Token Scope Documentation"). What is none is passed over.
 */
export function parseScopes(text: string): Scopes {
	const scopes = new Map<string, Set<string>>();
	for (const one of text.split(' ')) {
		const colon = one.lastIndexOf(':');
		if (colon <= 0) continue;
		const resource = one.slice(0, colon);
		const actions = scopes.get(resource) ?? new Set();
		for (const action of one.slice(colon + 1).split(',')) if (action !== '') actions.add(action);
		scopes.set(resource, actions);
	}
	return scopes;
}

/** One text for each resource. */
export function formatScopes(scopes: Scopes): string[] {
	return [...scopes].map(([resource, actions]) => `${resource}:${[...actions].join(',')}`);
}

export function mergeScopes(...all: readonly Scopes[]): Scopes {
	return parseScopes(all.flatMap(formatScopes).join(' '));
}

/** Whether a token for `granted` will do for `wanted`. */
export function coversScopes(granted: Scopes, wanted: Scopes): boolean {
	return [...wanted].every(([resource, actions]) => {
		const has = granted.get(resource);
		return has !== undefined && (has.has('*') || [...actions].every(action => has.has(action)));
	});
}
