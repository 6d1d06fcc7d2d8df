import {isLoopback} from '../hosts/address.js';
import {tokenPath} from './access/challenge.js';
import {admit} from './admit.js';
import {type Answer, jsonAnswer} from './answer.js';
import {readBody} from './body.js';
import type {Exchange} from './exchange.js';
import {refuse} from './refusal.js';

/**
 * Answers what lies beside the protocol: `/healthz` for everyone, `/metrics` when it is switched on, and the token server of the
 * access policy. Undefined for all other paths.
 * @throws Refusal
 */
export function sideAnswer(exchange: Exchange): Promise<Answer> | undefined {
	const {parts, path} = exchange;
	if (path === '/healthz') return health(exchange);
	if (path === '/metrics' && parts.traffic.metrics !== undefined) return metrics(exchange);
	if (path === tokenPath && parts.access.tokens !== undefined) return token(exchange);
	return undefined;
}

/** A server that stops says so: what distributes requests then takes it out. */
async function health(exchange: Exchange): Promise<Answer> {
	checkMethod(exchange, ['GET', 'HEAD']);
	return exchange.parts.traffic.isStopping() ? plain(503, 'stopping\n') : plain(200, 'ok\n');
}

/** This machine reads them without more; a request that a proxy handed on is not from this machine. Others need credentials. */
async function metrics(exchange: Exchange): Promise<Answer> {
	checkMethod(exchange, ['GET', 'HEAD']);
	const {headers, socket} = exchange.request;
	const isForwarded = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some(name => headers[name] !== undefined);
	const client = (socket.remoteAddress ?? '').replace(/^::ffff:/i, '');
	if (isForwarded || !isLoopback(client)) {
		await admit(exchange, ['ping']);
		if (exchange.user === undefined) throw refuse('DENIED', 'Metrics are for this machine, or need credentials');
	}
	const {traffic, storage} = exchange.parts;
	const {uploads, log} = traffic;
	const text = traffic.metrics?.text({
		storage,
		uploads,
		connections: traffic.connections(),
		droppedLogLines: log?.dropped ?? 0,
	});
	return plain(200, text ?? '', 'text/plain; version=0.0.4; charset=utf-8');
}

const maxFormBytes = 16 * 1024;

async function token(exchange: Exchange): Promise<Answer> {
	checkMethod(exchange, ['GET', 'POST']);
	const {parts, request, query} = exchange;
	const isPost = exchange.method === 'POST';
	const form = isPost ? await readBody(exchange, maxFormBytes) : undefined;
	const answer = await parts.access.tokens?.issue({
		method: isPost ? 'POST' : 'GET',
		authorization: request.headers.authorization,
		parameters: form === undefined ? query : new URLSearchParams(form.toString()),
		signal: exchange.signal,
	});
	if (answer === undefined) throw refuse('NOT_FOUND');
	exchange.user = answer.user;
	return jsonAnswer(answer.status, answer.body, answer.headers);
}

function checkMethod({method}: Exchange, allowed: readonly string[]): void {
	if (!allowed.includes(method)) {
		throw refuse('UNSUPPORTED', `${method} means nothing here`, {headers: {allow: allowed.join(', ')}});
	}
}

function plain(status: number, text: string, type = 'text/plain; charset=utf-8'): Answer {
	return {status, headers: {'content-type': type, 'cache-control': 'no-store'}, body: Buffer.from(text)};
}
