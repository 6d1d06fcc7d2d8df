import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import type {SealEvent} from '../../../lib/core/events.js';
import {digestOf} from '../../../lib/oci/digest.js';
import {openStockStorage} from '../../../lib/registry/storage/stock/storage.js';
import {startServer} from '../../helpers/registry-server.js';
import {tempDir} from '../../helpers/temp-dir.js';

test('what only the operator can mend is a 500 for the client and an event with the reason for the operator', async t => {
	const dir = tempDir(t);
	const events: SealEvent[] = [];
	const storage = await openStockStorage(dir, {create: true, durability: 'none'});
	const client = await startServer(t, storage, {onEvent: event => events.push(event)});
	// Where the folder of all blobs should be made there is a file.
	writeFileSync(join(dir, 'docker/registry/v2/blobs'), '');
	const reply = await client.send('POST', `/v2/a/blobs/uploads/?digest=${digestOf('x')}`, {body: 'x'});
	t.is(reply.status, 500);
	t.deepEqual(reply.codes(), ['UNKNOWN']);
	t.false(reply.body.toString().includes(dir));
	t.is(events.length, 1);
	t.regex(JSON.stringify(events[0]), /"warning".*POST .*\/v2\/a\/blobs\/uploads.* failed: /);
	t.is((await client.send('GET', '/v2/')).status, 200);
});
