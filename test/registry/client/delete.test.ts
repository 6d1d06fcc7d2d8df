import test from 'ava';
import type {SealError} from '../../../lib/core/errors.js';
import {deleteBlob, deleteManifest} from '../../../lib/registry/client/delete.js';
import {describeText} from '../../helpers/images.js';
import {sendError} from '../../helpers/registry.js';
import {startWire} from '../../helpers/wire.js';

const {digest} = describeText('content');

test('deletes a tag, a manifest and a blob', async t => {
	const {wire, place, requests} = await startWire(t, (_, response) => void response.writeHead(202).end());
	await deleteManifest(wire, place, 'v1');
	await deleteManifest(wire, place, digest);
	await deleteBlob(wire, place, digest);
	t.deepEqual(requests, [
		'DELETE /v2/a/b/manifests/v1',
		`DELETE /v2/a/b/manifests/${digest}`,
		`DELETE /v2/a/b/blobs/${digest}`,
	]);
});

test('what is not there is said so', async t => {
	const {wire, place} = await startWire(t, (_, response) => void sendError(response, 404, 'MANIFEST_UNKNOWN', 'no'));
	await t.throwsAsync(deleteManifest(wire, place, 'v1'), {
		code: 'ERR_IMAGE_UNKNOWN',
		message: `${place.host} has no image ${place.host}/a/b:v1`,
	});
	await t.throwsAsync(deleteBlob(wire, place, digest), {
		code: 'ERR_CONTENT_MISSING',
		message: `${digest} is not in ${place.host}/a/b`,
	});
});

test('a delete whose first answer was lost is done when the second finds nothing', async t => {
	let attempt = 0;
	const {wire, place} = await startWire(t, (_, response) => {
		if (attempt++ === 0) response.destroy();
		else sendError(response, 404, 'MANIFEST_UNKNOWN', 'no');
	});
	await t.notThrowsAsync(deleteManifest(wire, place, digest));
	t.is(attempt, 2);
});

const refusal = test.macro({
	async exec(t, status: number, what: string, message: RegExp, hint: RegExp) {
		const {wire, place} = await startWire(t, (_, response) => void sendError(response, status, 'UNSUPPORTED', 'no'));
		const deleting = what === 'blob' ? deleteBlob(wire, place, digest) : deleteManifest(wire, place, what);
		const error = (await t.throwsAsync(deleting)) as SealError;
		t.is(error.code, 'ERR_REGISTRY_UNSUPPORTED');
		t.regex(error.message, message);
		t.regex(error.hint ?? '', hint);
	},
	title: (_, status, what) => `status ${String(status)} to the deletion of ${String(what).slice(0, 6)} is explained`,
});

test(refusal, 405, 'v1', /does not delete tags$/, /Switch deletion on/);
test(refusal, 405, digest, /does not delete manifests$/, /storage\.delete\.enabled/);
test(refusal, 405, 'blob', /does not delete blobs$/, /Switch deletion on/);
test(refusal, 400, 'v1', /cannot delete a tag alone$/, /by its digest/);

test('a registry that deletes by digest only is told the digest, and an unknown tag is said so', async t => {
	const {wire, place} = await startWire(t, (request, response) => {
		if (request.method === 'DELETE') sendError(response, 400, 'DIGEST_INVALID', 'no digest');
		else if (request.url?.endsWith('/v1') === true) {
			const type = 'application/vnd.oci.image.manifest.v1+json';
			response.writeHead(200, {'content-type': type, 'content-length': 7, 'docker-content-digest': digest}).end();
		} else sendError(response, 404, 'MANIFEST_UNKNOWN', 'no');
	});
	const error = (await t.throwsAsync(deleteManifest(wire, place, 'v1'))) as SealError;
	t.is(error.code, 'ERR_REGISTRY_UNSUPPORTED');
	t.is(error.hint, `Delete the manifest by its digest, ${digest}: all its tags go with it.`);
	t.like(error.details, {digest});
	await t.throwsAsync(deleteManifest(wire, place, 'v2'), {code: 'ERR_IMAGE_UNKNOWN'});
});
