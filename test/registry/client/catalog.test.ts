import test from 'ava';
import {listRepositories} from '../../../lib/registry/client/catalog.js';
import {sendError} from '../../helpers/registry.js';
import {sendJson, startWire} from '../../helpers/wire.js';

test('reads the repositories of all pages', async t => {
	let page = 0;
	const {wire, place, requests} = await startWire(t, (_, response) => {
		const repositories =
			[
				['b/c', 'a', 'NO'],
				['a/b/c', '../x', 'a'],
			][page++] ?? [];
		sendJson(response, {repositories}, page === 1 ? {link: '</v2/_catalog?last=a&n=1000>; rel="next"'} : {});
	});
	t.deepEqual(await listRepositories(wire, place.host), ['a', 'a/b/c', 'b/c']);
	t.deepEqual(requests, ['GET /v2/_catalog?n=1000', 'GET /v2/_catalog?last=a&n=1000']);
});

test('a registry without a catalog says so', async t => {
	const {wire, place} = await startWire(t, (_, response) => void sendError(response, 404, 'UNSUPPORTED', 'no'));
	await t.throwsAsync(listRepositories(wire, place.host), {
		code: 'ERR_REGISTRY_UNSUPPORTED',
		message: `${place.host} does not list its repositories`,
	});
});

test('refuses a catalog without end, and one that is no list', async t => {
	let page = 0;
	const endless = await startWire(t, (_, response) => {
		page++;
		const repositories = Array.from({length: 100_000}, (__, i) => `r${page}/${i}`);
		sendJson(response, {repositories}, {link: `</v2/_catalog?p=${page}>; rel="next"`});
	});
	await t.throwsAsync(listRepositories(endless.wire, endless.place.host), {
		code: 'ERR_REGISTRY_RESPONSE',
		message: /more than 500000 repositories/,
	});
	const wrong = await startWire(t, (_, response) => sendJson(response, {repositories: {}}));
	await t.throwsAsync(listRepositories(wrong.wire, wrong.place.host), {code: 'ERR_REGISTRY_RESPONSE'});
});
