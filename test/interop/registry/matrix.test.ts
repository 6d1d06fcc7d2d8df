import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {peerTest} from '../peer-test.js';
import {buildahIn, type Command, type Peer, podmanIn, skopeo, startContainerd} from '../peers.js';
import {dataRecipe, programRecipe} from '../recipes.js';
import {buildRecipe, storeOf} from '../sealimage.js';
import {criPull} from './cri.js';
import {type ServedRegistry, serveVariants} from './serve.js';
import {containersFlags, dockerStyle, newerTool, onlyDigest} from './tools.js';

interface Case {
	readonly t: ExecutionContext;
	readonly home: string;
	readonly served: ServedRegistry;
	/** An image for one platform and one for two, as `oci:` places, with their digests. */
	readonly single: {readonly place: string; readonly digest: string};
	readonly several: {readonly place: string; readonly digest: string};
}

/** The same test against every kind of server: both storages, open and behind TLS and a password. */
function matrix(title: string, peers: readonly Peer[], body: (one: Case) => Promise<void>): void {
	for (const variant of serveVariants) {
		peerTest(`${title}, ${variant.title}`, [...peers, 'openssl', 'busybox'], async (t, home) => {
			const [single, several] = [
				{place: `oci:${storeOf(home)}:docker.io/${programRecipe.name}`, digest: await buildRecipe(home, programRecipe)},
				{place: `oci:${storeOf(home)}:${dataRecipe.name}`, digest: await buildRecipe(home, dataRecipe)},
			];
			await body({t, home, served: await variant.start(t, home), single, several});
		});
	}
}

matrix('skopeo pushes, lists, inspects, pulls and deletes', ['skopeo'], async ({t, home, served, single, several}) => {
	const app = `docker://${served.host}/team/app`;
	const to = containersFlags(served, 'dest-');
	const from = containersFlags(served, 'src-');
	const at = containersFlags(served);
	await skopeo('copy', '--quiet', '--preserve-digests', ...to, single.place, `${app}:one`);
	await skopeo('copy', '--quiet', '--preserve-digests', '--all', ...to, several.place, `${app}:two`);
	t.deepEqual((JSON.parse(await skopeo('list-tags', ...at, app)) as {Tags: string[]}).Tags, ['one', 'two']);
	t.is((await skopeo('inspect', '--format', '{{.Digest}}', ...at, `${app}:two`)).trim(), several.digest);
	for (const [tag, digest] of [
		['one', single.digest],
		['two', several.digest],
	] as const) {
		const target = join(home, `pulled-${tag}`);
		await skopeo('copy', '--quiet', '--preserve-digests', '--all', ...from, `${app}:${tag}`, `oci:${target}:x`);
		t.is(onlyDigest(target), digest);
	}
	await skopeo('delete', ...at, `${app}:one`);
	t.deepEqual((JSON.parse(await skopeo('list-tags', ...at, app)) as {Tags: string[]}).Tags, ['two']);
});

matrix('buildah and podman pull and push', ['buildah', 'podman', 'skopeo'], async ({t, home, served, single}) => {
	const place = `${served.host}/team/app`;
	const flags = containersFlags(served);
	await skopeo('copy', '--quiet', ...containersFlags(served, 'dest-'), single.place, `docker://${place}:one`);
	for (const [name, tool] of [
		['buildah', buildahIn(join(home, 'b'))],
		['podman', podmanIn(join(home, 'p'))],
	] as const) {
		await tool('pull', '--quiet', ...flags, `${place}:one`);
		await tool('push', '--quiet', ...flags, `${place}:one`, `docker://${place}:${name}`);
	}
	const {Tags: tags} = JSON.parse(await skopeo('list-tags', ...flags, `docker://${place}`)) as {Tags: string[]};
	t.deepEqual(tags, ['buildah', 'one', 'podman']);
});

matrix('containerd pulls and pushes, for ctr and for a kubelet', ['containerd', 'ctr', 'skopeo'], async one => {
	const {t, home, served, several, single} = one;
	const place = `${served.host}/team/app`;
	await skopeo('copy', '--quiet', '--all', ...containersFlags(served, 'dest-'), several.place, `docker://${place}:two`);
	await skopeo(
		'copy',
		'--quiet',
		...containersFlags(served, 'dest-'),
		single.place,
		`docker://${served.host}/nowhere.example/app:one`,
	);
	const {login, tls} = served;
	const state = join(home, 'c');
	mkdirSync(state);
	const certs = join(home, 'certs.d');
	const origin = `http${tls === undefined ? '' : 's'}://${served.host}`;
	const trust = tls === undefined ? '' : `ca = "${tls.ca}"\n`;
	writeHosts(certs, served.host, `[host."${origin}"]\ncapabilities = ["pull", "resolve", "push"]\n${trust}`);
	// What a node is set up with: our server as the mirror of every registry, images below the name of theirs.
	const mirror = `[host."${origin}"]\ncapabilities = ["pull", "resolve"]\n${trust}`;
	writeHosts(certs, '_default', mirror + headerOf(origin, login));
	const ctr = await startContainerd(t, state, {cri: {certs}});
	const flags = [
		...(login === undefined ? [] : ['--user', `${login.username}:${login.password}`]),
		// For this machine's own addresses ctr takes TLS from a file only.
		...(tls === undefined ? ['--plain-http'] : ['--hosts-dir', certs]),
	];
	await ctr('images', 'pull', '--snapshotter', 'native', '--all-platforms', ...flags, `${place}:two`);
	t.regex(await ctr('images', 'list', `name==${place}:two`), new RegExp(several.digest));
	await ctr('images', 'tag', `${place}:two`, `${place}:ctr`);
	await ctr('images', 'push', ...flags, `${place}:ctr`);
	await criPull(join(state, 'c.sock'), `nowhere.example/app:one`);
	t.regex(await ctr('--namespace', 'k8s.io', 'images', 'list'), /nowhere\.example\/app:one/);
	const tags = JSON.parse(await skopeo('list-tags', ...containersFlags(served), `docker://${place}`)) as {
		Tags: string[];
	};
	t.deepEqual(tags.Tags, ['ctr', 'two']);
});

function writeHosts(certs: string, host: string, text: string): void {
	mkdirSync(join(certs, host), {recursive: true});
	writeFileSync(join(certs, host, 'hosts.toml'), text);
}

function headerOf(origin: string, login: ServedRegistry['login']): string {
	if (login === undefined) return '';
	const basic = Buffer.from(`${login.username}:${login.password}`).toString('base64');
	return `[host."${origin}".header]\nAuthorization = "Basic ${basic}"\n`;
}

matrix('crane pushes, copies, lists, pulls and deletes', ['skopeo'], async ({t, home, served, single, several}) => {
	const crane = await newer(t, 'crane', served, home);
	if (crane === undefined) return;
	const place = `${served.host}/team/app`;
	const layout = join(home, 'layout');
	await skopeo('copy', '--quiet', '--preserve-digests', single.place, `oci:${layout}:x`);
	await crane('push', layout, `${place}:one`);
	t.is((await crane('digest', `${place}:one`)).trim(), single.digest);
	await skopeo('copy', '--quiet', '--all', ...containersFlags(served, 'dest-'), several.place, `docker://${place}:two`);
	await crane('copy', `${place}:two`, `${served.host}/other/copy:two`);
	t.is((await crane('digest', `${served.host}/other/copy:two`)).trim(), several.digest);
	t.deepEqual(lines(await crane('ls', place)), ['one', 'two']);
	t.deepEqual(
		lines(await crane('catalog', served.host)).filter(name => /^(?:team|other)\//.test(name)),
		['other/copy', 'team/app'],
	);
	await crane('pull', '--format=oci', `${place}:one`, join(home, 'pulled'));
	t.is(onlyDigest(join(home, 'pulled')), single.digest);
	await crane('delete', `${place}@${single.digest}`);
	t.deepEqual(lines(await crane('ls', place)), ['two']);
});

matrix(
	'oras pushes artifacts, attaches, discovers, pulls and deletes',
	['skopeo'],
	async ({t, home, served, several}) => {
		const oras = await newer(t, 'oras', served, home);
		if (oras === undefined) return;
		const tls = served.tls === undefined ? ['--plain-http'] : ['--ca-file', served.tls.ca];
		const place = `${served.host}/team/app`;
		await skopeo(
			'copy',
			'--quiet',
			'--all',
			...containersFlags(served, 'dest-'),
			several.place,
			`docker://${place}:two`,
		);
		writeFileSync(join(home, 'notes.txt'), 'what changed\n');
		writeFileSync(join(home, 'sbom.json'), '{"packages":[]}\n');
		await oras(
			'push',
			...tls,
			'--artifact-type',
			'application/vnd.example.notes',
			`${place}:notes`,
			'notes.txt:text/plain',
		);
		await oras(
			'attach',
			...tls,
			'--artifact-type',
			'application/vnd.example.sbom',
			`${place}:two`,
			'sbom.json:application/json',
		);
		await oras(
			'attach',
			...tls,
			'--artifact-type',
			'application/vnd.example.scan',
			`${place}:two`,
			'notes.txt:text/plain',
		);
		const found = await oras('discover', ...tls, '--format', 'json', `${place}:two`);
		const types = [...found.matchAll(/"artifactType": *"([^"]+)"/g)].map(([, type]) => type);
		t.deepEqual([...new Set(types)].toSorted(), ['application/vnd.example.sbom', 'application/vnd.example.scan']);
		const only = await oras(
			'discover',
			...tls,
			'--format',
			'json',
			'--artifact-type',
			'application/vnd.example.sbom',
			`${place}:two`,
		);
		t.false(only.includes('vnd.example.scan'));
		t.deepEqual(lines(await oras('repo', 'tags', ...tls, place)), ['notes', 'two']);
		mkdirSync(join(home, 'out'));
		await oras('pull', ...tls, '--output', join(home, 'out'), `${place}:notes`);
		t.is(readFileSync(join(home, 'out/notes.txt'), 'utf8'), 'what changed\n');
		await oras('manifest', 'delete', ...tls, '--force', `${place}:notes`);
		t.deepEqual(lines(await oras('repo', 'tags', ...tls, place)), ['two']);
	},
);

matrix('cosign signs and verifies, with tags and with referrers', ['skopeo'], async ({t, home, served, several}) => {
	const cosign = await newer(t, 'cosign', served, home);
	if (cosign === undefined) return;
	const place = `${served.host}/team/app`;
	await skopeo('copy', '--quiet', '--all', ...containersFlags(served, 'dest-'), several.place, `docker://${place}:two`);
	const image = `${place}@${several.digest}`;
	await cosign('generate-key-pair');
	const flags = ['--allow-http-registry', '--allow-insecure-registry'];
	await cosign('sign', '--yes', '--key', 'cosign.key', '--tlog-upload=false', ...flags, image);
	const verified = await cosign('verify', '--key', 'cosign.pub', '--insecure-ignore-tlog', ...flags, image);
	t.true(verified.includes(several.digest));
});

/** A tool of a newer release; where it could not be had, the test says so and passes. */
async function newer(
	t: ExecutionContext,
	name: 'crane' | 'oras' | 'cosign',
	served: ServedRegistry,
	home: string,
): Promise<Command | undefined> {
	const path = newerTool(name);
	if (path !== undefined) return dockerStyle(path, served, home);
	t.log(`skipped: ${name}`);
	t.pass();
	return undefined;
}

function lines(text: string): string[] {
	return text
		.split('\n')
		.filter(line => line !== '')
		.toSorted();
}
