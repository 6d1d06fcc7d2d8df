import type {Action} from './policy.js';

/** What somebody may do, by patterns of repositories. Who may push or delete may pull, too. */
export interface Rights {
	readonly pull: readonly Pattern[];
	readonly push: readonly Pattern[];
	readonly delete: readonly Pattern[];
	/** The list of all repositories. */
	readonly catalog: boolean;
}

export interface Pattern {
	readonly text: string;
	matches(repository: string): boolean;
}

const everywhere: Pattern = {text: '**', matches: () => true};
export const allRights: Rights = {pull: [everywhere], push: [everywhere], delete: [everywhere], catalog: true};
export const pullRights: Rights = {pull: [everywhere], push: [], delete: [], catalog: true};

/** Without a repository: in all of them, as a mount reads that names no source. Whoever we know may ask whether we are there. */
export function isAllowed(rights: Rights, action: Action, repository: string | undefined): boolean {
	if (action === 'ping') return true;
	if (action === 'catalog') return rights.catalog;
	const lists = action === 'pull' ? [rights.pull, rights.push, rights.delete] : [rights[action]];
	return lists.some(list =>
		list.some(pattern => (repository === undefined ? pattern === everywhere : pattern.matches(repository))),
	);
}

/** The list of all repositories is for those who may pull from all of them. */
export function opensCatalog(rights: Omit<Rights, 'catalog'>): boolean {
	return [...rights.pull, ...rights.push, ...rights.delete].includes(everywhere);
}

/** The longest name of a repository; longer patterns match nothing. */
const maxLength = 255;

/** `*` is any text within one part of a name, `**` any text. Undefined when the pattern can match no repository. */
export function parsePattern(text: string): Pattern | undefined {
	if (text === '**') return everywhere;
	if (!/^[a-z0-9*][a-z0-9*._/-]*$/.test(text) || text.length > maxLength || text.includes('***')) return undefined;
	if (!text.includes('*')) return {text, matches: repository => repository === text};
	const tokens = text.match(/\*\*|\*|[^*]/g) ?? [];
	return {text, matches: repository => matchTokens(tokens, repository)};
}

/** One pass over the name with the set of places in the pattern: as quick for hostile names as for others. */
function matchTokens(tokens: readonly string[], repository: string): boolean {
	let places = closed(new Set([0]), tokens);
	for (const character of repository) {
		const next = new Set<number>();
		for (const place of places) {
			const token = tokens[place];
			if (token === '**' || (token === '*' && character !== '/')) next.add(place);
			else if (token === character) next.add(place + 1);
		}
		if (next.size === 0) return false;
		places = closed(next, tokens);
	}
	return places.has(tokens.length);
}

/** A star may match nothing. A set that grows while it is walked is walked to its new end. */
function closed(places: Set<number>, tokens: readonly string[]): Set<number> {
	for (const place of places) if (tokens[place]?.startsWith('*') === true) places.add(place + 1);
	return places;
}
