import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {hashSync} from 'bcryptjs';
import {peerTest} from '../peer-test.js';
import {podmanIn, skopeo, startContainerd, startRegistry} from '../peers.js';
import {dataRecipe, programRecipe} from '../recipes.js';
import {buildRecipe, storeOf} from '../sealimage.js';
import {criPull} from './cri.js';
import {startServe} from './serve.js';
import {dockerStyle, newerTool, onlyDigest} from './tools.js';

for (const kind of ['a folder', 'a store']) {
	const title = `a kubelet pulls through our cache from docker-registry, and again when that is gone, ${kind}`;
	peerTest(title, ['docker-registry', 'containerd', 'ctr', 'skopeo', 'busybox'], async (t, home) => {
		const digest = await buildRecipe(home, dataRecipe);
		const folder = join(home, 'upstream');
		mkdirSync(folder);
		const upstream = await startRegistry(t, folder, home);
		const flags = ['--quiet', '--all', '--preserve-digests', '--dest-tls-verify=false'];
		await skopeo('copy', ...flags, `oci:${storeOf(home)}:${dataRecipe.name}`, `docker://${upstream}/team/app:one`);
		const root = join(home, 'cache');
		mkdirSync(root);
		const store = kind === 'a store' ? ['--store'] : [];
		const upstreams = ['--upstream', `nowhere.example=http://${upstream}`];
		const served = await startServe(t, home, ['--root', root, ...store, ...upstreams]);

		const pulled = async (name: string, host: string): Promise<string> => {
			const state = join(home, name);
			const certs = join(state, 'certs.d');
			mkdirSync(join(certs, '_default'), {recursive: true});
			const text = `[host."http://${host}"]\ncapabilities = ["pull", "resolve"]\n`;
			writeFileSync(join(certs, '_default/hosts.toml'), text);
			const ctr = await startContainerd(t, state, {cri: {certs}});
			await criPull(join(state, 'c.sock'), 'nowhere.example/team/app:one');
			return await ctr('--namespace', 'k8s.io', 'images', 'list', 'name==nowhere.example/team/app:one');
		};
		t.regex(await pulled('first', served.host), new RegExp(digest));
		// Nobody answers there: what is pulled now comes from the cache.
		const offline = await startServe(t, home, [
			'--root',
			root,
			...store,
			'--upstream',
			'nowhere.example=http://127.0.0.1:1',
		]);
		t.regex(await pulled('second', offline.host), new RegExp(digest));
	});
}

peerTest(
	'everybody pulls, and who has a login pushes where it may, through our token server',
	['skopeo', 'podman', 'containerd', 'ctr', 'busybox'],
	async (t, home) => {
		const digest = await buildRecipe(home, programRecipe);
		const image = `oci:${storeOf(home)}:docker.io/${programRecipe.name}`;
		const users = join(home, 'users');
		writeFileSync(users, `ship:${hashSync('a:long one', 4)}\n`);
		const tokens = join(home, 'tokens');
		// The hash of "ci-secret".
		const hash = 'f82da6e2b2e51c046a2eaf10964ef184b69c0aee9892f10a2a7b657477d407e6';
		writeFileSync(tokens, `- {name: ci, hash: sha256:${hash}, push: team/**}\n`);
		mkdirSync(join(home, 'served'));
		const flags = ['--root', join(home, 'served'), '--htpasswd', users, '--token', tokens, '--anonymous-pull'];
		const {host} = await startServe(t, home, flags);
		const insecure = '--dest-tls-verify=false';
		const push = (name: string, ...creds: string[]): Promise<string> =>
			skopeo('copy', '--quiet', '--preserve-digests', insecure, ...creds, image, `docker://${host}/${name}`);

		await push('team/app:one', '--dest-creds', 'ship:a:long one');
		await push('team/app:ci', '--dest-creds', 'ci:ci-secret');
		await t.throwsAsync(push('other/app:ci', '--dest-creds', 'ci:ci-secret'), {message: /403|denied/i});
		await t.throwsAsync(push('team/app:no', '--dest-creds', 'ship:wrong'));
		await t.throwsAsync(push('team/app:no', '--dest-no-creds'));

		const target = join(home, 'pulled');
		await skopeo(
			'copy',
			'--quiet',
			'--preserve-digests',
			'--src-no-creds',
			'--src-tls-verify=false',
			`docker://${host}/team/app:one`,
			`oci:${target}:x`,
		);
		t.is(onlyDigest(target), digest);
		const podman = podmanIn(join(home, 'p'));
		await podman('pull', '--quiet', '--tls-verify=false', `${host}/team/app:one`);
		await podman(
			'push',
			'--quiet',
			'--tls-verify=false',
			'--creds',
			'ship:a:long one',
			`${host}/team/app:one`,
			`docker://${host}/team/app:podman`,
		);
		mkdirSync(join(home, 'c'));
		const ctr = await startContainerd(t, join(home, 'c'));
		await ctr('images', 'pull', '--snapshotter', 'native', '--plain-http', `${host}/team/app:one`);
		await ctr('images', 'tag', `${host}/team/app:one`, `${host}/team/app:ctr`);
		await ctr('images', 'push', '--plain-http', '--user', 'ship:a:long one', `${host}/team/app:ctr`);
		await t.throwsAsync(ctr('images', 'push', '--plain-http', `${host}/team/app:no`, `${host}/team/app:one`));
		const tags = JSON.parse(
			await skopeo('list-tags', '--no-creds', '--tls-verify=false', `docker://${host}/team/app`),
		) as {
			Tags: string[];
		};
		t.deepEqual(tags.Tags, ['ci', 'ctr', 'one', 'podman']);

		const crane = newerTool('crane');
		if (crane === undefined) {
			t.log('skipped: crane');
			return;
		}
		const login = {username: 'ship', password: 'a:long one'};
		await dockerStyle(crane, {host}, join(home, 'nobody'))('digest', `${host}/team/app:one`);
		await dockerStyle(crane, {host, login}, home)('tag', `${host}/team/app:one`, 'crane');
		await t.throwsAsync(dockerStyle(crane, {host}, join(home, 'nobody'))('tag', `${host}/team/app:one`, 'no'));
	},
);
