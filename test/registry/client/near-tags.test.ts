import test from 'ava';
import type {SealError} from '../../../lib/core/errors.js';
import {nearTags} from '../../../lib/registry/client/near-tags.js';
import {openRegistry, type RegistryOptions} from '../../../lib/registry/client/registry.js';
import {sendError, startRegistry} from '../../helpers/registry.js';
import {sendJson} from '../../helpers/wire.js';

const quick: RegistryOptions = {retry: {attempts: 4, firstDelayMs: 1}};
const versions = [
	'1.26.0',
	'1.27',
	'1.27.8',
	'1.27.10',
	'1.27-alpine',
	'1.28.0',
	'2.0.0',
	'latest',
	'stable',
	'v1.27.7',
];

const near = test.macro({
	exec(t, wanted: string, expected: readonly string[]) {
		t.deepEqual(nearTags(wanted, versions), expected);
	},
	title: (_, wanted) => `near ${String(wanted)} are its versions and typing mistakes`,
});
test(near, '1.27.9', ['1.27.8', '1.27', '1.27.10', 'v1.27.7', '1.27-alpine']);
test(near, 'v1.28', ['1.28.0', '1.27', '1.27.8', 'v1.27.7', '1.26.0']);
test(near, 'latset', ['latest']);
test(near, '2', ['2.0.0']);
test(near, '1.27-alpnie', ['1.27-alpine', '1.27', '1.27.10', '1.27.8', 'v1.27.7']);
test(near, 'nightly', []);

test('of a few tags all are named', t => {
	t.deepEqual(nearTags('nightly', ['a', 'b']), ['a', 'b']);
	t.deepEqual(nearTags('nightly', []), []);
});

test('a tag that does not exist is said together with near ones, from one listing', async t => {
	const registry = await startRegistry(t);
	registry.intercept = (request, response) => {
		if (request.url?.includes('/tags/list') !== true) return false;
		sendJson(response, {tags: versions});
		return true;
	};
	const client = openRegistry(quick);
	const error = (await t.throwsAsync(client.resolve(`${registry.host}/a:1.27.9`))) as SealError;
	t.is(error.code, 'ERR_IMAGE_UNKNOWN');
	t.is(error.message, `${registry.host} has no image ${registry.host}/a:1.27.9`);
	t.is(error.hint, 'Use a tag that exists: 1.27.8, 1.27, 1.27.10, v1.27.7 or 1.27-alpine.');
	t.deepEqual(error.details.near, ['1.27.8', '1.27', '1.27.10', 'v1.27.7', '1.27-alpine']);
	t.deepEqual(registry.requests, ['HEAD /v2/a/manifests/1.27.9', 'GET /v2/a/tags/list?n=1000']);
	await client.close();
});

test('nothing is said of tags that a registry does not show, and it is asked but once', async t => {
	const registry = await startRegistry(t);
	const client = openRegistry(quick);
	for (const status of [401, 403, 404, 429, 500, 200]) {
		registry.requests.length = 0;
		registry.intercept = (request, response) =>
			request.url?.includes('/tags/list') === true && sendError(response, status, 'DENIED', 'no');
		const error = (await t.throwsAsync(client.resolve(`${registry.host}/a:1`))) as SealError;
		t.is(error.code, 'ERR_IMAGE_UNKNOWN');
		t.is(error.hint, 'Check the name and the tag.');
		t.is(registry.requests.length, 2);
	}
	const digest = `sha256:${'a'.repeat(64)}`;
	await t.throwsAsync(client.resolve(`${registry.host}/a@${digest}`), {code: 'ERR_IMAGE_UNKNOWN'});
	t.is(registry.requests.length, 3);
	await client.close();
});
