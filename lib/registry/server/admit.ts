import type {IncomingMessage} from 'node:http';
import type {AccessAnswer, Action} from './access/policy.js';
import type {Exchange} from './exchange.js';
import {refuse} from './refusal.js';

/**
 * Asks the access policy whether the exchange may do `actions` in its repository.
 * @throws Refusal UNAUTHORIZED, DENIED, TOOMANYREQUESTS
 */
export async function admit(exchange: Exchange, actions: readonly Action[]): Promise<void> {
	const answer = await ask(exchange, actions, exchange.repository === '' ? undefined : exchange.repository);
	exchange.user = answer.user;
	if (answer.allowed) return;
	const headers = answer.challenge === undefined ? {} : {'www-authenticate': answer.challenge};
	throw refuse(codes[answer.status], answer.message, {headers});
}

const codes = {401: 'UNAUTHORIZED', 403: 'DENIED', 429: 'TOOMANYREQUESTS'} as const;

/** Whether the one who asks may do `actions` in another repository, or with undefined in all. */
export async function mayAlso(
	exchange: Exchange,
	actions: readonly Action[],
	repository: string | undefined,
): Promise<boolean> {
	return (await ask(exchange, actions, repository)).allowed;
}

async function ask(
	{request, parts}: Exchange,
	actions: readonly Action[],
	repository: string | undefined,
): Promise<AccessAnswer> {
	const {authorization} = request.headers;
	return await parts.access.check({authorization, repository, actions, origin: originOf(request)});
}

/** Undefined for a Host that could break out of the quotes of a challenge. */
function originOf({headers, socket}: IncomingMessage): string | undefined {
	const {host = ''} = headers;
	if (!/^[\w.:[\]-]{1,300}$/.test(host)) return undefined;
	return `${'encrypted' in socket ? 'https' : 'http'}://${host}`;
}
