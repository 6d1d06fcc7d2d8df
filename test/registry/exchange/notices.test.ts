import test from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import {openRegistry} from '../../../lib/registry/client/registry.js';
import type {RegistryError} from '../../../lib/registry/exchange/error.js';
import {describeRateLimit, parseRateLimit} from '../../../lib/registry/exchange/rate-limit.js';
import {sendError, startRegistry} from '../../helpers/registry.js';

const headersOf = (limit?: string, remaining?: string) => ({
	header: (name: string) => (name === 'ratelimit-limit' ? limit : remaining),
});

const reading = test.macro({
	exec(t, limit: string | undefined, remaining: string | undefined, expected: object | undefined) {
		t.deepEqual(parseRateLimit(headersOf(limit, remaining)), expected as never);
	},
	title: (_, limit, remaining) => `reads the limit ${String(limit)} of which ${String(remaining)} are left`,
});
test(reading, '100;w=21600', '76;w=21600', {limit: 100, remaining: 76, windowMs: 21_600_000});
test(reading, '200', '0', {limit: 200, remaining: 0});
test(reading, '100, 100;w=60', '5', {limit: 100, remaining: 5, windowMs: 60_000});
test(reading, undefined, '5', undefined);
test(reading, '100', undefined, undefined);
test(reading, '100', '101', undefined);
test(reading, '-1', '5', undefined);
test(reading, '1e9', '5', undefined);

test('a limit is told in words', t => {
	t.is(
		describeRateLimit({limit: 100, remaining: 1, windowMs: 21_600_000}),
		'allows 100 requests in 6 hours, of which 1 is left',
	);
	t.is(
		describeRateLimit({limit: 1, remaining: 0, windowMs: 1000}),
		'allows 1 request in 1 second, of which 0 are left',
	);
	t.is(describeRateLimit({limit: 5, remaining: 0}), 'allows 5 requests, of which 0 are left');
});

test('what is left is told when it changes, and each warning once', async t => {
	const registry = await startRegistry(t);
	registry.image('a:1');
	const remaining = [9, 9, 8];
	registry.intercept = (_, response) => {
		response.setHeader('ratelimit-limit', '10;w=3600');
		response.setHeader('ratelimit-remaining', `${remaining.shift()};w=3600`);
		response.setHeader('warning', [
			'299 - "a goes \\"away\\", soon"',
			'110 cache "stale", 299 x "move\u0085 on"',
			'299 - "a goes \\"away\\", soon"',
		]);
		return false;
	};
	const events: SealEvent[] = [];
	const client = openRegistry({onEvent: event => events.push(event)});
	for (let i = 0; i < 3; i++) await client.resolve(`${registry.host}/a:1`);
	const limit = {type: 'registry.limit', host: registry.host, limit: 10, windowMs: 3_600_000};
	const warning = {type: 'warning', code: 'RegistrySays'};
	t.deepEqual(events, [
		{...limit, remaining: 9},
		{...warning, message: `${registry.host} says: a goes "away", soon`},
		{...warning, message: `${registry.host} says: move  on`},
		{...limit, remaining: 8},
	] as never);
	await client.close();
});

test('a registry that gives no more says how much it gives', async t => {
	const registry = await startRegistry(t);
	registry.intercept = (_, response) => {
		response.setHeader('ratelimit-limit', '100;w=21600');
		response.setHeader('ratelimit-remaining', '0;w=21600');
		response.setHeader('retry-after', '7200');
		return sendError(response, 429, 'TOOMANYREQUESTS', 'You have reached your pull rate limit');
	};
	const client = openRegistry();
	const error = (await t.throwsAsync(client.resolve(`${registry.host}/a:1`))) as RegistryError;
	t.is(error.code, 'ERR_REGISTRY_LIMIT');
	// A HEAD has no body, and so no words of the registry's own.
	t.is(error.message, `${registry.host} wants us to slow down: it allows 100 requests in 6 hours, of which 0 are left`);
	t.is(error.hint, 'Try again in 2 hours, or log in: registries allow more to those they know.');
	t.like(error.details, {limit: 100, remaining: 0, windowMs: 21_600_000});
	await client.close();
});
