import {existsSync, mkdirSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {digestOf} from '../../lib/oci/digest.js';
import {file} from './buildah-compare/case.js';
import {peerTest} from './peer-test.js';
import {skopeo, startRegistry} from './peers.js';
import {clusterRecipe, dataRecipe, siteRecipe} from './recipes.js';
import {buildRecipe, type Recipe, sealimageIn, storeOf} from './sealimage.js';

interface Moved {
	readonly digest: string;
	readonly sent: {readonly blobs: number; readonly bytes: number};
	readonly mounted: {readonly blobs: number; readonly bytes: number};
	readonly skipped: {readonly blobs: number; readonly bytes: number};
}

interface Layered {
	readonly platforms: readonly {
		readonly layers: readonly {readonly digest: string; readonly sizeBytes: number; readonly createdBy: string}[];
	}[];
}

peerTest(
	'a cluster image goes through the stock registry whole, and a change of one embedded image sends its layers alone',
	['docker-registry', 'skopeo'],
	async (t, home) => {
		const served = join(home, 'served');
		mkdirSync(served);
		const host = await startRegistry(t, served, home);
		const sealimage = sealimageIn(home);
		const move = async (...args: string[]): Promise<Moved> =>
			(JSON.parse(await sealimage('-q', '--output', 'json', ...args)) as Moved[])[0]!;
		const layersOf = async (name: string): Promise<Map<string, string>> => {
			const [image] = JSON.parse(await sealimage('inspect', '--output', 'json', name)) as Layered[];
			return new Map(image?.platforms.flatMap(({layers}) => layers.map(layer => [layer.digest, layer.createdBy])));
		};
		for (const recipe of [dataRecipe, siteRecipe]) await buildRecipe(home, recipe);
		const digest = await buildRecipe(home, clusterRecipe);
		const first = await move('push', clusterRecipe.name, `${host}/cluster:v1`);
		t.is(first.digest, digest);
		const raw = await skopeo('inspect', '--raw', '--tls-verify=false', `docker://${host}/cluster:v1`);
		t.is(digest, digestOf(Buffer.from(raw)));
		t.log(`first push: ${amounts(first)}`);
		const old = await layersOf(clusterRecipe.name);
		rmSync(storeOf(home), {recursive: true});
		const pulled = await move('pull', `${host}/cluster:v1`);
		t.is(pulled.digest, digest);
		t.regex(await sealimage('verify', `${host}/cluster:v1`), /^ok /);
		await sealimage('create', '--platform', 'linux/arm64', `${host}/cluster:v1`, join(home, 'out'));
		t.true(existsSync(join(home, 'out/registry/docker/registry/v2/repositories/registry.example.com/interop/site')));
		t.is(readFileSync(join(home, 'out/bin/tool'), 'utf8'), '#!/bin/sh\necho tool\n');

		const again = await move('push', `${host}/cluster:v1`);
		t.log(`again: ${amounts(again)}`);
		t.is(again.sent.blobs, 0);

		const changed: Recipe = {...siteRecipe, context: {'index.html': file('<h1>another site</h1>\n')}};
		rmSync(join(home, 'contexts'), {recursive: true});
		await buildRecipe(home, dataRecipe);
		await buildRecipe(home, changed);
		await buildRecipe(home, {...clusterRecipe, name: 'interop/cluster:v2'});
		const added = [...(await layersOf('interop/cluster:v2'))].filter(([layer]) => !old.has(layer));
		const next = await move('push', 'interop/cluster:v2', `${host}/cluster:v2`);
		t.log(`one embedded image changed: ${amounts(next)}; new layers: ${added.map(([, by]) => by).join(', ')}`);
		t.deepEqual(
			[...new Set(added.map(([, by]) => by))].toSorted(),
			['EMBED images/lock.json', `EMBED ${siteRecipe.name}`].toSorted(),
		);
		// Beside those layers only what names them: a manifest and a config for each platform, and the index.
		t.is(next.sent.blobs, added.length + 2 * 2 + 1);
		t.true(readdirSync(join(served, 'docker/registry/v2/blobs/sha256')).length > 0);
	},
);

function amounts({sent, mounted, skipped}: Moved): string {
	const one = ({blobs, bytes}: Moved['sent']): string => `${bytes} bytes in ${blobs} blobs`;
	return `sent ${one(sent)}, mounted ${one(mounted)}, there already ${one(skipped)}`;
}
