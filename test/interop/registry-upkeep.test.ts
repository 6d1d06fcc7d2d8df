import {readdirSync, statSync, utimesSync} from 'node:fs';
import {join} from 'node:path';
import {mediaTypes} from '../../lib/oci/media-types.js';
import {openStore} from '../../lib/oci/store/store.js';
import {planPrune, pruneTags} from '../../lib/registry/upkeep/prune.js';
import {openStockInventory} from '../../lib/registry/upkeep/stock-inventory.js';
import {verifyRegistry} from '../../lib/registry/upkeep/verify.js';
import {putImage, putMultiArch} from '../helpers/images.js';
import {peerTest} from './peer-test.js';
import {skopeo, startRegistry} from './peers.js';

const accept = Object.values(mediaTypes).join(', ');

peerTest(
	'a folder that docker-registry serves is verified, pruned and collected, and goes on serving all that is kept',
	['docker-registry', 'skopeo'],
	async (t, scratch) => {
		const root = join(scratch, 'registry');
		const store = await openStore(join(scratch, 'store'));
		await store.tag('multi:1', await putMultiArch(store));
		await store.tag('old:1', await putImage(store, {layers: ['old']}));
		await store.tag('new:1', await putImage(store, {layers: ['new']}));
		const inventory = await openStockInventory(root, {create: true});
		const host = await startRegistry(t, root, scratch, {deletes: true});
		const flags = ['copy', '--quiet', '--all', '--preserve-digests', '--dest-tls-verify=false'];
		const push = (name: string, target: string): Promise<unknown> =>
			skopeo(...flags, `oci:${store.root}:docker.io/library/${name}:1`, `docker://${host}/${target}`);
		await push('multi', 'multi:v1');
		await push('old', 'app:v1');
		await push('new', 'app:v2');
		await push('old', 'moved:latest');
		await push('new', 'moved:latest');
		t.deepEqual((await verifyRegistry(inventory)).findings, []);
		t.deepEqual((await inventory.collect({untagged: true})).untagged, [], 'what was just pushed is left alone');

		const then = new Date(Date.now() - 2 * 60 * 60_000);
		for (const entry of readdirSync(root, {withFileTypes: true, recursive: true})) {
			const path = join(entry.parentPath, entry.name);
			if (statSync(path).isFile()) utimesSync(path, then, then);
		}
		const plan = await planPrune(inventory, {keep: 1, order: 'version'});
		t.deepEqual(
			plan.tags.map(({repository, tag}) => `${repository}:${tag}`),
			['app:v1'],
		);
		await pruneTags(inventory, plan);
		const {untagged, blobs} = await inventory.collect({untagged: true});
		t.deepEqual(
			untagged.map(({repository}) => repository),
			['moved'],
		);
		t.is(blobs.length, 3, 'manifest, config and layer of the old image');
		t.deepEqual((await verifyRegistry(inventory)).findings, []);
		t.is((await fetch(`http://${host}/v2/app/manifests/v1`, {headers: {accept}})).status, 404);
		for (const name of ['multi:v1', 'app:v2', 'moved:latest']) {
			const target = `dir:${join(scratch, name.replace(':', '-'))}`;
			await skopeo('copy', '--quiet', '--all', '--src-tls-verify=false', `docker://${host}/${name}`, target);
		}
		await push('old', 'app:v1');
		t.deepEqual((await verifyRegistry(inventory)).findings, []);
		await inventory.close();
	},
);
