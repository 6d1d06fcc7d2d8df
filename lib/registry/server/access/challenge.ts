import type {OutsideIssuer} from './issuer.js';
import type {AccessRequest} from './policy.js';
import {scopeText} from './scope.js';

/** Makes the WWW-Authenticate of an answer (RFC 6750, section 3); undefined where clients cannot be sent for tokens. */
export type Challenger = (
	request: Pick<AccessRequest, 'actions' | 'repository' | 'origin'>,
	error?: 'invalid_token' | 'insufficient_scope',
) => string | undefined;

export const basicChallenge = 'Basic realm="sealimage"';

/** The audience of the tokens that we sign ourselves. */
export const ownService = 'sealimage';
/** Where our own token server is. */
export const tokenPath = '/token';

export function createChallenger(issuer: OutsideIssuer | undefined, hasTokenServer: boolean): Challenger {
	return ({actions, repository, origin}, error) => {
		const own = hasTokenServer && origin !== undefined ? `${origin}${tokenPath}` : undefined;
		const realm = issuer?.realm ?? own;
		if (realm === undefined) return undefined;
		const scope = scopeText(repository, actions);
		const parts = [`realm=${quoted(realm)}`, `service=${quoted(issuer?.service ?? ownService)}`];
		if (scope !== undefined) parts.push(`scope=${quoted(scope)}`);
		if (error !== undefined) parts.push(`error="${error}"`);
		return `Bearer ${parts.join(',')}`;
	};
}

function quoted(text: string): string {
	return `"${text.replace(/[^\x20-\x7e]+/g, ' ').replace(/["\\]/g, '\\$&')}"`;
}
