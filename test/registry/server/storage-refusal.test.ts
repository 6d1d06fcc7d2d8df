import test from 'ava';
import type {ErrorCode} from '../../../lib/core/codes.js';
import {SealError} from '../../../lib/core/errors.js';
import {failureOf, refusalOf} from '../../../lib/registry/server/storage-refusal.js';
import {startServer, storages} from '../../helpers/registry-server.js';
import {tempDir} from '../../helpers/temp-dir.js';

const translates = test.macro<[code: ErrorCode, status: number, refusal: string, header?: [string, string]]>({
	exec(t, code, status, refusal, header) {
		const found = refusalOf(new SealError(code, 'Told', {details: {sizeBytes: 10}}), false);
		t.is(found?.status, status);
		t.is(found?.errors[0]?.code as string, refusal);
		if (header !== undefined) t.is(found?.headers[header[0]], header[1]);
	},
	title: (_, code, status, refusal) => `${code} of a storage is answered with ${status} ${refusal}`,
});

test(translates, 'ERR_UPLOAD_UNKNOWN', 404, 'BLOB_UPLOAD_UNKNOWN');
test(translates, 'ERR_UPLOAD_OFFSET', 416, 'BLOB_UPLOAD_INVALID', ['range', '0-9']);
test(translates, 'ERR_UPLOAD_BUSY', 503, 'UNAVAILABLE', ['retry-after', '1']);
test(translates, 'ERR_STORE_LOCKED', 503, 'UNAVAILABLE', ['retry-after', '5']);
test(translates, 'ERR_REFERENCE_INVALID', 400, 'NAME_INVALID');
test(translates, 'ERR_CONTENT_DIGEST', 400, 'DIGEST_INVALID');
test(translates, 'ERR_CONTENT_SIZE', 400, 'SIZE_INVALID');
test(translates, 'ERR_MANIFEST_INVALID', 400, 'MANIFEST_INVALID');

test('damaged content is the failure of the server when it was to be read', t => {
	const error = new SealError('ERR_CONTENT_DIGEST', 'Damaged');
	t.is(refusalOf(error, true), undefined);
	t.is(failureOf(error).status, 500);
	t.is(failureOf(new TypeError('a defect')).status, 500);
});

test('a full disk is told, in a way that no client tries again', t => {
	const failure = failureOf(new SealError('ERR_NO_SPACE', 'Full'));
	t.is(failure.status, 507);
	t.is(failure.message, 'The disk of the registry is full');
});

test('a name that a store cannot keep is refused', async t => {
	const client = await startServer(t, await storages.layout!(tempDir(t)));
	const reply = await client.send('POST', `/v2/${'x'.repeat(250)}/blobs/uploads/`);
	t.is(reply.status, 400);
	t.deepEqual(reply.codes(), ['NAME_INVALID']);
});
