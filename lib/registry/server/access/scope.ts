import {isRepositoryName} from '../names.js';
import type {Action} from './policy.js';
import {isAllowed, type Pattern, parsePattern, type Rights} from './rights.js';

/** A part of a scope, and of the `access` claim of a token: `repository:shop/web:pull,push`. */
export interface Scope {
	readonly type: string;
	readonly name: string;
	readonly actions: readonly string[];
}

/** Longer lists are cut: a push with mounts asks for three. */
const maxScopes = 64;
const maxLength = 1024;

/** Reads the scopes of a token request: repeated parameters, each with one or several scopes. What is none is left out. */
export function parseScopes(values: readonly string[]): readonly Scope[] {
	return values
		.flatMap(value => value.split(' '))
		.slice(0, maxScopes)
		.flatMap(text => {
			const first = text.indexOf(':');
			const last = text.lastIndexOf(':');
			if (first < 1 || last <= first || text.length > maxLength) return [];
			// "repository(plugin)" is a class of distribution that means the same.
			const type = text.slice(0, first).replace(/\([a-z0-9]+\)$/, '');
			return [
				{
					type,
					name: text.slice(first + 1, last),
					actions: text
						.slice(last + 1)
						.split(',')
						.filter(Boolean),
				},
			];
		});
}

/** The scope that a request needs, as a challenge names it. */
export function scopeText(repository: string | undefined, actions: readonly Action[]): string | undefined {
	if (actions.includes('catalog')) return 'registry:catalog:*';
	return repository === undefined ? undefined : `repository:${repository}:${actions.join(',')}`;
}

/** Reads the `access` claim of a verified token. Entries that mean nothing here give nothing. */
export function parseAccessClaim(claim: unknown): readonly Scope[] {
	if (!Array.isArray(claim)) return [];
	return (claim as unknown[]).slice(0, 1000).flatMap(entry => {
		const {type, name, actions} = (entry ?? {}) as Partial<Record<keyof Scope, unknown>>;
		if (typeof type !== 'string' || typeof name !== 'string' || !Array.isArray(actions)) return [];
		return [{type, name, actions: actions.filter(action => typeof action === 'string')}];
	});
}

/** What scopes allow. Names are names here: a `*` in a token that somebody signed is no pattern. */
export function rightsOfScopes(scopes: readonly Scope[]): Rights {
	const rights = {pull: [] as Pattern[], push: [] as Pattern[], delete: [] as Pattern[], catalog: false};
	for (const {type, name, actions} of scopes) {
		if (type === 'registry' && name === 'catalog' && actions.includes('*')) rights.catalog = true;
		const pattern = type === 'repository' && !name.includes('*') ? parsePattern(name) : undefined;
		if (pattern === undefined) continue;
		for (const action of repositoryActions) {
			if (actions.includes(action) || actions.includes('*')) rights[action].push(pattern);
		}
	}
	return rights;
}

/** The part of what is asked for that somebody may have. */
export function grantedScopes(scopes: readonly Scope[], rights: Rights): readonly Scope[] {
	return scopes.flatMap(({type, name, actions}) => {
		if (type === 'registry' && name === 'catalog') return rights.catalog ? [{type, name, actions: ['*']}] : [];
		if (type !== 'repository' || !isRepositoryName(name)) return [];
		const granted = repositoryActions.filter(
			action => (actions.includes(action) || actions.includes('*')) && isAllowed(rights, action, name),
		);
		return granted.length === 0 ? [] : [{type, name, actions: granted}];
	});
}

const repositoryActions = ['pull', 'push', 'delete'] as const;
