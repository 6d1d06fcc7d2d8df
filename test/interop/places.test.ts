import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {digestOf} from '../../lib/oci/digest.js';
import {peerTest} from './peer-test.js';
import {skopeo, startRegistry} from './peers.js';
import {dataRecipe} from './recipes.js';
import {buildRecipe, sealimageIn} from './sealimage.js';

const insecure = '--tls-verify=false';

async function rawDigest(...place: string[]): Promise<string> {
	return digestOf(Buffer.from(await skopeo('inspect', '--raw', ...place)));
}

peerTest(
	'skopeo and the stock registry read every place that copy writes',
	['docker-registry', 'skopeo'],
	async (t, home) => {
		const digest = await buildRecipe(home, dataRecipe);
		const sealimage = sealimageIn(home);
		const folder = join(home, 'folder');
		mkdirSync(folder);
		const host = await startRegistry(t, folder, home);
		const places = [`oci:${home}/layout:v1`, `oci-archive:${home}/site.tar:v1`];
		for (const place of [...places, `registry-dir:${folder}:team/data:v1`, `docker://${host}/pushed:v1`]) {
			await sealimage('copy', '-q', dataRecipe.name, place);
		}
		for (const place of places) t.is(await rawDigest(place), digest, place);
		for (const name of ['team/data:v1', 'pushed:v1'])
			t.is(await rawDigest(insecure, `docker://${host}/${name}`), digest, name);

		const archive = `docker-archive:${home}/docker.tar:registry.example.com/data:v1`;
		await sealimage('copy', '-q', '--platform', 'linux/arm64', dataRecipe.name, archive);
		const facts = JSON.parse(await skopeo('inspect', archive)) as {Architecture: string; Env: string[]};
		t.is(facts.Architecture, 'arm64');
		t.true(facts.Env.includes('ARCH=arm64'));
	},
);

peerTest('copy reads every place that skopeo writes', ['skopeo'], async (t, home) => {
	const digest = await buildRecipe(home, dataRecipe);
	const sealimage = sealimageIn(home);
	await sealimage('copy', '-q', dataRecipe.name, `oci:${home}/ours:v1`);
	const theirs = [`oci:${home}/theirs:v1`, `oci-archive:${home}/theirs.tar:registry.example.com/data:v1`];
	for (const place of theirs) {
		await skopeo('copy', '--quiet', '--all', `oci:${home}/ours:v1`, place);
		t.is((await sealimage('copy', '-q', place, 'back:v1')).trim(), digest, place);
	}
	const archive = `docker-archive:${home}/theirs.docker.tar:registry.example.com/data:v1`;
	await skopeo('copy', '--quiet', '--override-arch', 'arm64', `oci:${home}/ours:v1`, archive);
	await sealimage('copy', '-q', archive, 'arm:v1');
	t.regex(await sealimage('inspect', 'arm:v1'), /ARCH=arm64/);
	t.regex(await sealimage('verify', 'arm:v1'), /^ok /);
});
