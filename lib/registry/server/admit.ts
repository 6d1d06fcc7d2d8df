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
	const later = answer.status === 429 ? {'retry-after': '1'} : {};
	throw refuse(codes[answer.status], answer.message, {headers: {...headers, ...later}});
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

const hostPattern = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?$/i;

/**
 * Scheme and host under which the client reached us. Both are what it says itself: they only go back to it, as the place of the
 * token server. A proxy that ends TLS says so in X-Forwarded-Proto.
 */
function originOf({headers, socket}: IncomingMessage): string | undefined {
	const {host = '', 'x-forwarded-proto': forwarded} = headers;
	if (host.length > 300 || !hostPattern.test(host)) return undefined;
	return `${'encrypted' in socket || forwarded === 'https' ? 'https' : 'http'}://${host}`;
}
