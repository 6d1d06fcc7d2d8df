import {mkdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {copy} from '../../lib/oci/copy.js';
import type {Digest} from '../../lib/oci/digest.js';
import {openStore} from '../../lib/oci/store/store.js';
import {openRegistryDir} from '../../lib/registry/storage/stock/registry-dir.js';
import {peerTest} from './peer-test.js';
import {skopeo, startRegistry} from './peers.js';
import {clusterRecipe, dataRecipe, siteRecipe} from './recipes.js';
import {buildRecipe, sealimageIn} from './sealimage.js';

interface Lock {
	readonly images: readonly {
		readonly reference: string;
		readonly digest: string;
		readonly platforms: Readonly<Record<string, {readonly digest: string}>>;
	}[];
}

peerTest(
	'the stock registry serves every image of the lock by tag and by digest, and we read them from the folder',
	['docker-registry', 'skopeo'],
	async (t, home) => {
		for (const recipe of [dataRecipe, siteRecipe, clusterRecipe]) await buildRecipe(home, recipe);
		for (const architecture of ['amd64', 'arm64']) {
			const tree = join(home, architecture);
			await sealimageIn(home)('create', '--platform', `linux/${architecture}`, clusterRecipe.name, tree);
			const lock = JSON.parse(readFileSync(join(tree, 'images/lock.json'), 'utf8')) as Lock;
			t.deepEqual(
				lock.images.map(image => image.reference),
				[dataRecipe.name, siteRecipe.name],
			);
			const folder = await openRegistryDir(tree);
			const store = await openStore(join(home, 'copied', architecture), {durability: 'none'});
			for (const {reference, platforms} of lock.images) {
				const own = platforms[`linux/${architecture}`]?.digest;
				for (const name of [reference, reference.replace(/^[^/]*\//, '')]) {
					const copied = await copy(folder, name, store, {platform: {os: 'linux', architecture}});
					t.is(copied.digest, own as Digest, name);
				}
			}
			await folder.close();
			await store.close();
			mkdirSync(join(home, 'pulled', architecture), {recursive: true});
			const host = await startRegistry(t, join(tree, 'registry'), home);
			for (const image of lock.images) {
				const [repository = '', tag = ''] = image.reference.split(/:(?=[^:]*$)/);
				const own = image.platforms[`linux/${architecture}`]?.digest ?? '';
				const places = [`${repository}:${tag}`, `${repository}@${own}`, `${repository}@${image.digest}`];
				// The same image without its domain, as clusters that know no domain ask for it.
				places.push(`${repository.replace(/^[^/]*\//, '')}:${tag}`);
				for (const place of places) {
					const copied = join(home, 'pulled', architecture, place.replaceAll(/[^a-z0-9]/g, '-'));
					const flags = ['--quiet', '--src-tls-verify=false', '--override-arch', architecture];
					await skopeo('copy', ...flags, '--preserve-digests', `docker://${host}/${place}`, `dir:${copied}`);
					const manifest = JSON.parse(readFileSync(join(copied, 'manifest.json'), 'utf8')) as {
						config: {digest: string};
					};
					const config = JSON.parse(readFileSync(join(copied, manifest.config.digest.slice(7)), 'utf8')) as object;
					t.like(config, {architecture}, place);
				}
			}
		}
	},
);
