import type {Action} from './access/policy.js';
import type {Exchange} from './exchange.js';
import {refuse} from './refusal.js';

/**
 * Asks the access policy whether the exchange may do `actions` in its repository.
 * @throws Refusal UNAUTHORIZED, DENIED
 */
export async function admit(exchange: Exchange, actions: readonly Action[]): Promise<void> {
	const answer = await ask(exchange, actions, exchange.repository === '' ? undefined : exchange.repository);
	exchange.user = answer.user;
	if (answer.allowed) return;
	const headers = answer.challenge === undefined ? {} : {'www-authenticate': answer.challenge};
	throw refuse(answer.status === 401 ? 'UNAUTHORIZED' : 'DENIED', answer.message, {headers});
}

/** Whether the one who asks may do `actions` in another repository, or with undefined in all. */
export async function mayAlso(
	exchange: Exchange,
	actions: readonly Action[],
	repository: string | undefined,
): Promise<boolean> {
	return (await ask(exchange, actions, repository)).allowed;
}

async function ask(exchange: Exchange, actions: readonly Action[], repository: string | undefined) {
	const {authorization} = exchange.request.headers;
	return await exchange.parts.access.check({authorization, repository, actions});
}
