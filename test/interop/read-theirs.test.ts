import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {busybox, file, hardlink, symlink, writeContext} from './buildah-compare/case.js';
import {compareTrees, readTree} from './disk-tree.js';
import {peerTest} from './peer-test.js';
import {buildahIn, skopeo} from './peers.js';
import {buildRecipe, sealimageIn} from './sealimage.js';

/** An image of several layers with whiteouts, made by buildah alone. */
const sealfile = [
	'FROM scratch',
	'COPY bin /bin',
	'COPY data /data',
	'RUN ["/bin/busybox", "rm", "-r", "/data/gone", "/data/sub"]',
	'RUN ["/bin/busybox", "chmod", "4711", "/data/kept"]',
	'RUN ["/bin/busybox", "touch", "-d", "@1500000000", "/data", "/data/kept"]',
	'ENV FROM_BUILDAH=yes',
	'CMD ["/bin/busybox", "true"]',
];

async function buildTheirs(home: string): Promise<{readonly name: string; readonly tree: string}> {
	const context = join(home, 'context');
	mkdirSync(context);
	writeContext(context, {
		'bin/busybox': busybox,
		'data/kept': file('kept\n'),
		'data/hard': hardlink('data/kept'),
		'data/soft': symlink('kept'),
		'data/gone': file('gone\n'),
		'data/sub/deep': file('deep\n'),
		Dockerfile: {type: 'file', content: `${sealfile.join('\n')}\n`},
	});
	const buildah = buildahIn(join(home, 'buildah'));
	await buildah('bud', '--quiet', '--layers', '--isolation', 'chroot', '--tag', 'localhost/theirs:1', context);
	const container = (await buildah('from', '--quiet', 'localhost/theirs:1')).trim();
	return {name: 'localhost/theirs:1', tree: (await buildah('mount', container)).trim()};
}

/** Each form that buildah can write, and how we take it. */
const forms: readonly {
	readonly title: string;
	readonly push: readonly string[];
	readonly target: string;
	readonly file: string;
}[] = [
	{title: 'an OCI layout', push: ['--format', 'oci'], target: 'oci:HOME/out:theirs:1', file: 'out'},
	{
		title: 'an OCI archive',
		push: ['--format', 'oci'],
		target: 'oci-archive:HOME/out.tar:localhost/theirs:1',
		file: 'out.tar',
	},
	{title: 'a docker archive', push: [], target: 'docker-archive:HOME/out.tar:localhost/theirs:1', file: 'out.tar'},
	{
		title: 'an OCI layout without compression',
		push: ['--format', 'oci', '--disable-compression'],
		target: 'oci:HOME/out:theirs:1',
		file: 'out',
	},
];

for (const {title, push, target, file: path} of forms) {
	peerTest(
		`we load ${title} that buildah wrote, with the same tree and config`,
		['buildah', 'busybox'],
		async (t, home) => {
			const {name, tree} = await buildTheirs(home);
			const buildah = buildahIn(join(home, 'buildah'));
			await buildah('push', '--quiet', ...push, name, target.replace('HOME', home));
			const sealimage = sealimageIn(home);
			const image = 'loaded:1';
			await sealimage('load', '--tag', image, '--input', join(home, path));
			await sealimage('create', image, join(home, 'ours'));
			t.deepEqual(compareTrees(readTree(tree), readTree(join(home, 'ours'))), []);
			const inspected = await sealimage('inspect', '--output', 'json', image);
			t.true(inspected.includes('FROM_BUILDAH=yes'));
			t.regex(await sealimage('tree', image), /busybox/);
			await buildah('rm', '--all');
		},
	);
}

peerTest(
	'we build on an image that buildah made, and copy files out of it',
	['buildah', 'busybox'],
	async (t, home) => {
		const {name} = await buildTheirs(home);
		await buildahIn(join(home, 'buildah'))('push', '--quiet', name, `docker-archive:${home}/theirs.tar:${name}`);
		await sealimageIn(home)('load', '--input', join(home, 'theirs.tar'));
		await buildRecipe(home, {
			name: 'interop/child:1',
			context: {added: file('added\n')},
			sealfile: [`FROM ${name}`, 'COPY added /data/', `COPY --from=${name} /data/kept /copied/`],
		});
		await sealimageIn(home)('create', 'interop/child:1', join(home, 'child'));
		const tree = readTree(join(home, 'child'));
		t.like(tree.get('data/kept'), {mode: '4711', type: 'file'});
		t.is(tree.get('copied/kept')?.digest, tree.get('data/kept')?.digest);
		t.true(tree.has('data/added'));
		t.false(tree.has('data/gone'));
		await buildahIn(join(home, 'buildah'))('rm', '--all');
	},
);

peerTest(
	'we load zstd layers and docker schema 2 that skopeo wrote',
	['buildah', 'skopeo', 'busybox', 'zstd'],
	async (t, home) => {
		const {name, tree} = await buildTheirs(home);
		const buildah = buildahIn(join(home, 'buildah'));
		await buildah('push', '--quiet', '--format', 'oci', name, `oci:${home}/plain:x`);
		await skopeo(
			'copy',
			'--quiet',
			'--dest-compress-format',
			'zstd',
			'--dest-compress',
			`oci:${home}/plain:x`,
			`oci:${home}/zstd:localhost/zstd:1`,
		);
		await skopeo('copy', '--quiet', '--format', 'v2s2', `oci:${home}/plain:x`, `dir:${home}/v2s2`);
		await skopeo('copy', '--quiet', `dir:${home}/v2s2`, `docker-archive:${home}/v2s2.tar:localhost/v2s2:1`);
		for (const [source, image] of [
			['zstd', 'localhost/zstd:1'],
			['v2s2.tar', 'localhost/v2s2:1'],
		] as const) {
			await sealimageIn(home)('load', '--tag', image, '--input', join(home, source));
			await sealimageIn(home)('create', image, join(home, `tree-${source}`));
			t.deepEqual(compareTrees(readTree(tree), readTree(join(home, `tree-${source}`))), [], source);
		}
		await buildah('rm', '--all');
	},
);
