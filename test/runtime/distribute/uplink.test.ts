import {randomBytes} from 'node:crypto';
import {renameSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {oneChunk} from '../../../lib/core/bytes.js';
import {openStore, type Store} from '../../../lib/oci/store/store.js';
import {openHostContent} from '../../../lib/runtime/content/open.js';
import {openUplink, type Uplink} from '../../../lib/runtime/distribute/uplink.js';
import {HostError} from '../../../lib/runtime/host/error.js';
import {partsOf} from '../../helpers/host-content.js';
import {hostRoot, localAgents, localTarget} from '../../helpers/local-agents.js';
import {programTransport} from '../../helpers/program-transport.js';
import {tempDir} from '../../helpers/temp-dir.js';

const bytes = randomBytes(40_000_000);
const blob = partsOf(bytes);

async function scene(
	t: ExecutionContext,
): Promise<{readonly dir: string; readonly store: Store; readonly uplink: Uplink}> {
	const dir = tempDir(t);
	const store = await openStore(join(dir, 'store'), {durability: 'none'});
	await store.push({mediaType: blob.mediaType, digest: blob.blob, size: bytes.length}, oneChunk(bytes));
	const uplink = openUplink({transport: localAgents(dir)(localTarget('a')), store, blobs: [blob]});
	t.teardown(async () => {
		await uplink.close();
		await store.close();
	});
	return {dir, store, uplink};
}

test('parts that are sent together arrive one after the other', async t => {
	const {dir, uplink} = await scene(t);
	await Promise.all(blob.parts.map(part => uplink.send(blob, part)));
	t.like(await openHostContent(hostRoot(dir, 'a')).have([{blob: blob.blob, partCount: 3}]), [{state: 'whole'}]);
});

test('a store that is damaged is told as that, and the host is not blamed', async t => {
	const {store, uplink} = await scene(t);
	const wrong = Buffer.from(bytes);
	wrong[1000]! ^= 1;
	const path = store.blobPath(blob.blob);
	writeFileSync(`${path}.new`, wrong);
	renameSync(`${path}.new`, path);
	const error = await t.throwsAsync(uplink.send(blob, blob.parts[0]!), {code: 'ERR_CONTENT_DIGEST'});
	t.false(error instanceof HostError);
	await t.notThrowsAsync(uplink.send(blob, blob.parts[1]!));
});

test('an agent that ends fails what is on its way and what comes after, as the host', async t => {
	const {store} = await scene(t);
	const transport = programTransport(['sh', '-c', 'exit 3'], 'box');
	const uplink = openUplink({transport, store, blobs: [blob]});
	for (const part of blob.parts) {
		const error = await t.throwsAsync(uplink.send(blob, part));
		t.true(error instanceof HostError && error.host === 'box', String(error));
	}
	await uplink.close();
});

test('an abort ends the waiting of one part only', async t => {
	const {uplink} = await scene(t);
	const controller = new AbortController();
	const sending = uplink.send(blob, blob.parts[0]!, {signal: controller.signal});
	controller.abort(new Error('enough'));
	await t.throwsAsync(sending, {message: 'enough'});
	await t.notThrowsAsync(uplink.send(blob, blob.parts[2]!));
});
