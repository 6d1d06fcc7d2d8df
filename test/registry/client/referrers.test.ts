import test from 'ava';
import {mediaTypes} from '../../../lib/oci/media-types.js';
import {listReferrers} from '../../../lib/registry/client/referrers.js';
import {referrersTag} from '../../../lib/registry/storage/referrer.js';
import {describeText} from '../../helpers/images.js';
import {sendError} from '../../helpers/registry.js';
import {sendJson, startWire} from '../../helpers/wire.js';

const subject = describeText('subject').digest;
const sbom = {...describeText('sbom', mediaTypes.manifest), artifactType: 'application/spdx+json'};
const signature = {
	...describeText('signature', mediaTypes.manifest),
	artifactType: 'application/x.signature',
	annotations: {by: 'me'},
};
const indexOf = (...manifests: readonly unknown[]) => ({schemaVersion: 2, mediaType: mediaTypes.index, manifests});
const type = {'content-type': mediaTypes.index};

test('gives the descriptors with type and annotations, from all pages', async t => {
	let page = 0;
	const {wire, place, requests} = await startWire(t, (_, response) => {
		const link = `</v2/a/b/referrers/${subject}?page=2>; rel="next"`;
		sendJson(response, indexOf(page === 0 ? sbom : signature), page++ === 0 ? {...type, link} : type);
	});
	t.deepEqual(await listReferrers(wire, place, subject), [sbom, signature]);
	t.deepEqual(requests, [`GET /v2/a/b/referrers/${subject}`, `GET /v2/a/b/referrers/${subject}?page=2`]);
});

test('filters by type, also where the registry does not or only says so', async t => {
	for (const header of [undefined, 'artifactType']) {
		const {wire, place, requests} = await startWire(t, (_, response) => {
			sendJson(response, indexOf(sbom, signature), {
				...type,
				...(header === undefined ? {} : {'oci-filters-applied': header}),
			});
		});
		t.deepEqual(await listReferrers(wire, place, subject, {artifactType: 'application/x.signature'}), [signature]);
		t.deepEqual(requests, [`GET /v2/a/b/referrers/${subject}?artifactType=application%2Fx.signature`]);
	}
});

for (const status of [404, 405, 400]) {
	test(`reads the tag of referrers where the registry answers the question with ${status}`, async t => {
		const {wire, place, requests} = await startWire(t, (request, response) => {
			if (request.url?.includes('/manifests/') === true) sendJson(response, indexOf(sbom, signature), type);
			else sendError(response, status, 'UNSUPPORTED', 'what?');
		});
		t.deepEqual(await listReferrers(wire, place, subject, {artifactType: 'application/spdx+json'}), [sbom]);
		t.deepEqual(requests.slice(1), [`GET /v2/a/b/manifests/${subject.replace(':', '-')}`]);
	});
}

test('there are none where neither is known, or the tag is an image of somebody else', async t => {
	const none = await startWire(t, (_, response) => void sendError(response, 404, 'NAME_UNKNOWN', 'no'));
	t.deepEqual(await listReferrers(none.wire, none.place, subject), []);
	const other = await startWire(t, (request, response) => {
		if (request.url?.includes('/manifests/') === true)
			sendJson(response, {layers: []}, {'content-type': mediaTypes.manifest});
		else sendError(response, 404, 'NAME_UNKNOWN', 'no');
	});
	t.deepEqual(await listReferrers(other.wire, other.place, subject), []);
});

test('the tag of a long digest is cut as the specification says', t => {
	t.is(referrersTag(`sha512:${'ab'.repeat(64)}`), `sha512-${'ab'.repeat(32)}`);
});

test('refuses descriptors that are none, and access that is denied', async t => {
	const bad = await startWire(t, (_, response) => sendJson(response, indexOf({digest: 'x'}), type));
	await t.throwsAsync(listReferrers(bad.wire, bad.place, subject), {code: 'ERR_REGISTRY_RESPONSE', message: /damaged/});
	const none = await startWire(t, (_, response) => sendJson(response, {manifests: 3}, type));
	await t.throwsAsync(listReferrers(none.wire, none.place, subject), {code: 'ERR_REGISTRY_RESPONSE'});
	const denied = await startWire(t, (_, response) => void sendError(response, 403, 'DENIED', 'no'));
	await t.throwsAsync(listReferrers(denied.wire, denied.place, subject), {code: 'ERR_REGISTRY_UNAUTHORIZED'});
});
