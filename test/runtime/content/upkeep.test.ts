import {
	appendFileSync,
	chmodSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	utimesSync,
	writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {digestOf, hexOf} from '../../../lib/oci/digest.js';
import {blobFile, tagLink} from '../../../lib/registry/embed/layout.js';
import type {HostContent} from '../../../lib/runtime/content/content.js';
import {openHostContent} from '../../../lib/runtime/content/open.js';
import {partBytes} from '../../../lib/runtime/content/part.js';
import {file, folder} from '../../helpers/entries.js';
import {embedded, install, partBytesOf, partsOf, requestOf, send, testLayer} from '../../helpers/host-content.js';
import {tempDir} from '../../helpers/temp-dir.js';

interface Host {
	readonly root: string;
	readonly content: HostContent;
	/** The path of an image's tree. */
	readonly path: string;
}

const base = testLayer([folder('bin'), file('bin/tool', 'tool'), file('bin/other', 'other')]);
const images = testLayer(embedded('registry.k8s.io/pause', '3.9', 'pause'));

async function host(root: string): Promise<Host> {
	const content = openHostContent(root, {durability: 'none'});
	const {path} = await install(content, 'app', [await base, await images]);
	return {root, content, path};
}

const damage = test.macro<[(host: Host) => void, RegExp, 'layer' | 'tree' | 'registry']>({
	async exec(t, harm, why, what) {
		const {root, content, path} = await host(tempDir(t));
		harm({root, content, path});
		const {damaged} = await content.verify();
		t.is(damaged.length, 1);
		t.regex(damaged.map(({path: where, why: reason}) => `${where}: ${reason}`).join('\n'), why);
		// What is left is whole, and the next run sends what is missing, no more.
		t.deepEqual(
			(await content.verify()).damaged.filter(({why: reason}) => reason !== 'the tree is missing'),
			[],
		);
		const layers = [await base, await images];
		const states = await content.have(layers.map(({blob, diffId}) => ({blob, diffId, partCount: 1})));
		t.is(states.filter(({state}) => state === 'absent').length, what === 'layer' ? 1 : 0);
		t.is((await install(content, 'app', layers)).unpacked, what === 'layer' ? 1 : 0);
		t.is(readFileSync(join(path, 'bin/tool'), 'utf8'), 'tool');
		t.deepEqual((await content.verify()).damaged, []);
	},
	title: (given = '') => `verify finds ${given}, and the next run mends it`,
});

test(
	'a file that was written to in place',
	damage,
	({path}) => appendFileSync(join(path, 'bin/tool'), '!'),
	/bin\/tool was changed/,
	'layer',
);
test(
	'a flipped bit behind an unchanged time',
	damage,
	({path}) => {
		const {atime, mtime} = statSync(join(path, 'bin/tool'));
		writeFileSync(join(path, 'bin/tool'), 'tooL');
		utimesSync(join(path, 'bin/tool'), atime, mtime);
	},
	/content of bin\/tool was changed/,
	'layer',
);
test(
	'another mode',
	damage,
	({path}) => chmodSync(join(path, 'bin/tool'), 0o777),
	/mode or owner of bin\/tool was changed/,
	'layer',
);
test(
	'a blob of the registry that rots',
	damage,
	({root}) => writeFileSync(join(root, blobFile(digestOf('pause'))), 'pausE'),
	/pause|data was changed/,
	'layer',
);
test(
	'an index that rots',
	damage,
	({root}) => {
		const [first = ''] = readdirSync(join(root, 'layers/sha256'));
		const path = join(root, 'layers/sha256', first, 'index');
		chmodSync(path, 0o600);
		writeFileSync(path, readFileSync(path, 'utf8').replace('bin', 'bim').replace('registry', 'registri'));
	},
	/its index cannot be read/,
	'layer',
);
test(
	'a file that was replaced',
	damage,
	({path}) => {
		rmSync(join(path, 'bin/tool'));
		writeFileSync(join(path, 'bin/tool'), 'tool', {mode: 0o644});
	},
	/bin\/tool: the tree was changed/,
	'tree',
);
test(
	'a file that was added',
	damage,
	({path}) => writeFileSync(join(path, 'bin/new'), ''),
	/bin: the tree was changed/,
	'tree',
);
test('a tree that is gone', damage, ({path}) => rmSync(path, {recursive: true}), /the tree is missing/, 'tree');
test(
	'a link of the registry that is gone',
	damage,
	({root}) => rmSync(join(root, tagLink('registry.k8s.io/pause', '3.9'))),
	/registry: 1 files were missing/,
	'registry',
);

test('unpack of an image that is there notices and mends what was changed, without verify', async t => {
	const {content, path} = await host(tempDir(t));
	const layers = [await base, await images];
	rmSync(join(path, 'bin/other'));
	await content.unpack(requestOf('app', layers));
	t.is(readFileSync(join(path, 'bin/other'), 'utf8'), 'other');
	appendFileSync(join(path, 'bin/other'), '!');
	await t.throwsAsync(content.unpack(requestOf('app', layers)), {
		code: 'ERR_CONTENT_DIGEST',
		message: new RegExp(`^The unpacked layer ${layers[0]?.diffId} was changed at .*bin/other; it has been removed$`),
	});
	t.is((await install(content, 'app', layers)).unpacked, 1);
	t.is(readFileSync(join(path, 'bin/other'), 'utf8'), 'other');
});

test('verify removes wrong blobs, also those that a server put into the registry by itself', async t => {
	const {root, content} = await host(tempDir(t));
	const digest = await send(content, Buffer.from('manifest'));
	writeFileSync(join(root, 'blobs/sha256', hexOf(digest)), 'manifesT');
	const [right, wrong] = ['right', 'wrong'].map(text => join(root, blobFile(digestOf(text)))) as [string, string];
	for (const path of [right, wrong]) {
		mkdirSync(join(path, '..'), {recursive: true});
		writeFileSync(path, 'right');
	}
	const {damaged, checkedBytes} = await content.verify();
	const why = 'the blob does not have the digest that it is named by';
	t.deepEqual(damaged, [
		{path: join(root, 'blobs/sha256', hexOf(digest)), why},
		{path: wrong, why},
	]);
	t.deepEqual(
		[right, wrong].map(path => existsSync(path)),
		[true, false],
	);
	t.true(checkedBytes > 0);
	t.is((await content.have([{blob: digest, partCount: 1}]))[0]?.state, 'absent');
});

test('an image under the name of another takes its place, and gc removes what only the old one had', async t => {
	const {root, content, path} = await host(tempDir(t));
	const newer = await testLayer(embedded('registry.k8s.io/pause', '3.9', 'newer pause'));
	const image = await install(content, 'app', [await base, newer]);
	const tag = join(root, tagLink('registry.k8s.io/pause', '3.9'));
	t.is(readFileSync(tag, 'utf8'), digestOf('newer pause'));
	t.true(existsSync(join(root, blobFile(digestOf('pause')))));
	const {removed, freedBytes} = await content.gc();
	t.is(removed, 2);
	t.true(freedBytes > 0);
	t.false(existsSync(path));
	t.false(existsSync(join(root, blobFile(digestOf('pause')))));
	t.is(readFileSync(tag, 'utf8'), digestOf('newer pause'));
	t.is(readFileSync(join(image.path, 'bin/tool'), 'utf8'), 'tool');
	t.deepEqual(await content.gc(), {removed: 0, freedBytes: 0});
	t.deepEqual((await content.verify()).damaged, []);
});

test('a tag goes back to the image that stays when the one that took it goes', async t => {
	const {root, content} = await host(tempDir(t));
	const newer = await testLayer(embedded('registry.k8s.io/pause', '3.9', 'newer pause'));
	await install(content, 'other', [newer]);
	const tag = join(root, tagLink('registry.k8s.io/pause', '3.9'));
	t.is(readFileSync(tag, 'utf8'), digestOf('newer pause'));
	await content.gc({keep: ['app']});
	t.is(readFileSync(tag, 'utf8'), digestOf('pause'));
	t.deepEqual(
		(await content.images()).map(({name}) => name),
		['app'],
	);
	t.deepEqual((await content.verify()).damaged, []);
});

test('gc keeps what a server put into the registry, and blobs and parts that are on their way', async t => {
	const {root, content} = await host(tempDir(t));
	const own = ['fetched by itself', 'pause'].map(text => join(root, blobFile(digestOf(text)))) as [string, string];
	mkdirSync(join(own[0], '..'), {recursive: true});
	writeFileSync(own[0], 'fetched by itself');
	const [young, old] = [await send(content, Buffer.from('young')), await send(content, Buffer.from('old'))];
	const bytes = Buffer.alloc(partBytes + 1, 1);
	const blob = partsOf(bytes);
	await content.writePart(blob, blob.parts[1] as (typeof blob.parts)[number], partBytesOf(bytes, 1));
	const states = async (): Promise<string[]> => {
		const found = await content.have([young, old, blob.blob].map(digest => ({blob: digest, partCount: 2})));
		return found.map(({state}) => state);
	};
	const age = (path: string, hours: number): void => {
		const then = new Date(Date.now() - hours * 60 * 60_000);
		utimesSync(join(root, path), then, then);
	};
	const [youngFile, oldFile] = [young, old].map(digest => `blobs/sha256/${hexOf(digest)}`) as [string, string];
	const data = `partial/${hexOf(blob.blob)}/data`;
	// As long as anything comes, what came hours ago is waited for.
	age(oldFile, 10);
	age(data, 2);
	t.deepEqual(await content.gc(), {removed: 0, freedBytes: 0});
	age(youngFile, 2);
	t.deepEqual(await content.gc(), {removed: 2, freedBytes: 8});
	t.deepEqual(await states(), ['absent', 'absent', 'partial']);
	age(data, 25);
	t.is((await content.gc()).removed, 1);
	t.deepEqual(await states(), ['absent', 'absent', 'absent']);
	t.true(own.every(path => existsSync(path)));
});

test('blobs that were kept for others go with gc, manifests and configs of images stay', async t => {
	const root = tempDir(t);
	const content = openHostContent(root);
	const layer = await base;
	const config = Buffer.from('{"os":"linux"}');
	const manifest = Buffer.from(JSON.stringify({config: {digest: digestOf(config)}}));
	for (const bytes of [layer.bytes, manifest, config]) await send(content, bytes);
	await content.unpack({...requestOf('app', [layer], true), manifest: digestOf(manifest)});
	t.is((await content.have([{blob: layer.blob, diffId: layer.diffId, partCount: 1}]))[0]?.state, 'whole');
	t.is((await content.gc()).removed, 1);
	t.deepEqual(
		readdirSync(join(root, 'blobs/sha256')).toSorted(),
		[hexOf(digestOf(config)), hexOf(digestOf(manifest))].toSorted(),
	);
});
