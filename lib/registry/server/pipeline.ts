import type {IncomingMessage, ServerResponse} from 'node:http';
import {isSealError} from '../../core/errors.js';
import {emit} from '../../core/events.js';
import {admit} from './admit.js';
import {type Answer, jsonAnswer} from './answer.js';
import {endpointFor} from './endpoints.js';
import {type Exchange, openExchange, parseTarget, type ServerParts} from './exchange.js';
import {Refusal} from './refusal.js';
import {repositoryOf} from './repository.js';
import {routeOf} from './route.js';
import {send} from './send.js';
import {sideAnswer} from './side-paths.js';
import {failureOf, refusalOf} from './storage-refusal.js';
import {watchExchange, withinLimits} from './traffic.js';

/** Takes one request through all stages: parse, side paths, route, access, limits, endpoint, answer. Never rejects. */
export async function serveExchange(
	parts: ServerParts,
	request: IncomingMessage,
	response: ServerResponse,
): Promise<void> {
	const exchange = openExchange(parts, request, response);
	watchExchange(exchange);
	try {
		const answer = await answerTo(exchange);
		await send(exchange, answer).catch(async (error: unknown) => {
			if (response.headersSent || response.destroyed) throw error;
			await send(exchange, refusalAnswer(exchange, error));
		});
	} catch (error) {
		// The head of the answer has gone out: a cut connection is the only way left to say that the rest is missing.
		if (!exchange.signal.aborted) report(exchange, error);
		response.destroy();
	}
}

async function answerTo(exchange: Exchange): Promise<Answer> {
	try {
		parseTarget(exchange);
		const side = sideAnswer(exchange);
		if (side !== undefined) return await side;
		const route = routeOf(exchange.path);
		exchange.route = route;
		const endpoint = endpointFor(exchange, route);
		exchange.repository = await repositoryOf(exchange, route);
		await admit(exchange, endpoint.actions);
		return await withinLimits(exchange, () => endpoint.handle(exchange, route));
	} catch (error) {
		return refusalAnswer(exchange, error);
	}
}

function refusalAnswer(exchange: Exchange, error: unknown): Answer {
	const refusal = error instanceof Refusal ? error : (refusalOf(error, isRead(exchange)) ?? failureOf(error));
	if (refusal.status >= 500 && !exchange.response.destroyed) report(exchange, error);
	return jsonAnswer(refusal.status, {errors: refusal.errors}, refusal.headers);
}

function isRead({method}: Exchange): boolean {
	return method === 'GET' || method === 'HEAD';
}

function report({parts, method, path}: Exchange, error: unknown): void {
	emit(parts.options, {
		type: 'warning',
		code: isSealError(error) ? error.code : 'ERR_INTERNAL',
		message: `${method} ${JSON.stringify(path.slice(0, 300))} failed: ${error instanceof Error ? error.message : String(error)}`,
	});
}
