import type {ServerResponse} from 'node:http';
import test from 'ava';
import {listTags} from '../../../lib/registry/client/tags.js';
import {sendError} from '../../helpers/registry.js';
import {sendJson, startWire} from '../../helpers/wire.js';

test('reads one page, sorts it, and leaves out what is no tag', async t => {
	const tags = ['v2', '1.10', 'v2', '-no', 'a\u001b[31m', 7, '1.9', 'Z'];
	const {wire, place, requests} = await startWire(t, (_, response) => sendJson(response, {name: 'a/b', tags}));
	t.deepEqual(await listTags(wire, place), ['1.10', '1.9', 'Z', 'v2']);
	t.deepEqual(requests, ['GET /v2/a/b/tags/list?n=1000']);
});

test('a repository without tags is an empty list, and one that nobody knows an error', async t => {
	const {wire, place} = await startWire(t, (_, response) => sendJson(response, {name: 'a/b', tags: null}));
	t.deepEqual(await listTags(wire, place), []);
	const other = await startWire(t, (_, response) => void sendError(response, 404, 'NAME_UNKNOWN', 'no'));
	await t.throwsAsync(listTags(other.wire, other.place), {
		code: 'ERR_IMAGE_UNKNOWN',
		message: `${other.place.host} has no repository a/b`,
	});
});

test('follows Link from page to page, whatever its form', async t => {
	const links = [
		'</v2/a/b/tags/list?n=1&last=a>; rel="next"',
		'<https://elsewhere.example/v2/a/b/tags/list?token=x%2Fy>; title="a"; rel=next',
		'<https://elsewhere.example/api/docker/local/v2/b/tags/list?n=1&last=c>;rel="last next"',
		'</v2/a/b/tags/list?first>; rel="prev"',
	];
	let page = 0;
	const {wire, place, requests} = await startWire(t, (_, response) => {
		sendJson(response, {tags: ['abcd'[page]]}, {link: links[page++] ?? ''});
	});
	t.deepEqual(await listTags(wire, place), ['a', 'b', 'c', 'd']);
	t.deepEqual(requests, [
		'GET /v2/a/b/tags/list?n=1000',
		'GET /v2/a/b/tags/list?n=1&last=a',
		'GET /v2/a/b/tags/list?token=x%2Fy',
		'GET /v2/a/b/tags/list?n=1&last=c',
	]);
});

test('a full page without a Link is not trusted to be the last', async t => {
	const all = Array.from({length: 2500}, (_, i) => `t${String(i).padStart(4, '0')}`);
	const {wire, place, requests} = await startWire(t, (request, response) => {
		const last = new URL(request.url ?? '', 'http://x').searchParams.get('last') ?? '';
		sendJson(response, {tags: all.filter(tag => tag > last).slice(0, 1000)});
	});
	t.deepEqual(await listTags(wire, place), all);
	t.is(requests.length, 3);
});

test('a registry that knows no paging at all is asked once more and no further', async t => {
	const tags = Array.from({length: 1000}, (_, i) => `t${i}`);
	const {wire, place, requests} = await startWire(t, (_, response) => sendJson(response, {tags}));
	t.is((await listTags(wire, place)).length, 1000);
	t.is(requests.length, 2);
});

test('reads no further page than the limit needs', async t => {
	let page = 0;
	const {wire, place, requests} = await startWire(t, (_, response) => {
		page++;
		sendJson(response, {tags: [`a${page}`, `b${page}`]}, {link: `</v2/a/b/tags/list?page=${page}>; rel="next"`});
	});
	t.is((await listTags(wire, place, {limit: 5})).length, 6);
	t.is(requests.length, 3);
});

const hostile = test.macro({
	async exec(t, answer: (response: ServerResponse, page: number) => void, message: RegExp, code: string) {
		let page = 0;
		const {wire, place} = await startWire(t, (_, response) => answer(response, page++));
		await t.throwsAsync(listTags(wire, place), {code, message});
	},
	title: title => `refuses a list ${title}`,
});
const bad = 'ERR_REGISTRY_RESPONSE';

test(
	'whose Link leads to another repository',
	hostile,
	response => sendJson(response, {tags: ['a']}, {link: '</v2/other/tags/list?n=1>; rel="next"'}),
	/leads on to something else/,
	bad,
);
test(
	'whose Link leads to something else in the same repository',
	hostile,
	response => sendJson(response, {tags: ['a']}, {link: '</v2/a/b/manifests/list?n=1>; rel="next"'}),
	/leads on to something else/,
	bad,
);
test(
	'whose Link leads to a file',
	hostile,
	response => sendJson(response, {tags: ['a']}, {link: '<file:///etc/passwd>; rel="next"'}),
	/leads on to something else/,
	bad,
);
test(
	'whose Link leads to nowhere',
	hostile,
	response => sendJson(response, {tags: ['a']}, {link: '<http://[bad>; rel="next"'}),
	/leads on to nowhere/,
	bad,
);
test(
	'whose Link is a novel',
	hostile,
	response => sendJson(response, {tags: ['a']}, {link: `</v2/a/b/tags/list?x=${'y'.repeat(9000)}>; rel="next"`}),
	/address that is too long/,
	bad,
);
test(
	'that goes in a circle',
	hostile,
	(response, page) => sendJson(response, {tags: ['a']}, {link: `</v2/a/b/tags/list?p=${page % 3}>; rel="next"`}),
	/comes back to a page it had/,
	bad,
);
test(
	'without end',
	hostile,
	(response, page) => {
		const tags = Array.from({length: 100_000}, (_, i) => `t${page}_${i}`);
		sendJson(response, {tags}, {link: `</v2/a/b/tags/list?p=${page}>; rel="next"`});
	},
	/more than 500000 tags/,
	bad,
);
test(
	'whose page does not end',
	hostile,
	response => {
		response.writeHead(200, {'content-type': 'application/json'});
		const more = (): void => {
			if (!response.destroyed) response.write(Buffer.alloc(1_048_576, 0x20), () => setImmediate(more));
		};
		more();
	},
	/longer than the 33554432 bytes/,
	'ERR_CONTENT_SIZE',
);
test('that is none', hostile, response => sendJson(response, {tags: 'v1'}), /holds no list of tags/, bad);
test('that is no JSON', hostile, response => void response.end('{"tags": ['), /something that is no JSON/, bad);
test(
	'that is a sign-in page',
	hostile,
	response => {
		response.writeHead(200, {'content-type': 'text/html; charset=utf-8'});
		response.end('<!doctype html><title>Sign in</title>');
	},
	/a web page where a registry was expected/,
	bad,
);
