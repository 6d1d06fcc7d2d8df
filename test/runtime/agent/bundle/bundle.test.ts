import {readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {isSealError} from '../../../../lib/core/errors.js';
import {type BundleOptions, openBundle, writeBundle} from '../../../../lib/runtime/agent/bundle/bundle.js';
import {formatManifest, parseManifest} from '../../../../lib/runtime/agent/bundle/manifest.js';
import {smallBundle} from '../../../helpers/agent-bundle.js';
import {tempDir} from '../../../helpers/temp-dir.js';

test('a folder with the agent gives the agent that was written to it, always the same bytes, modes and times', async t => {
	const bundle = smallBundle();
	const folders = [tempDir(t), tempDir(t)];
	const listings = [];
	for (const folder of folders) {
		const top = await writeBundle(bundle, folder);
		await writeBundle(bundle, folder);
		const source = join(top, 'opt/sealimage');
		listings.push(
			readdirSync(source).map(name => {
				const {mode, mtimeMs} = statSync(join(source, name));
				return [name, mode & 0o777, mtimeMs, readFileSync(join(source, name), 'utf8')];
			}),
		);
		t.is(statSync(source).mtimeMs, 0);
		const read = await openBundle(bundle.platform, from(t, folder));
		t.is(read.id, bundle.id);
		t.deepEqual(
			read.files.map(({name, mode, digest}) => ({name, mode, digest})),
			bundle.files.map(({name, mode, digest}) => ({name, mode, digest})),
		);
		t.deepEqual(readdirSync(folder), [bundle.platform.replace('/', '-')]);
	}
	t.deepEqual(listings[0], listings[1]);
});

test('a damaged file, a missing file and a wrong platform in the folder are told by their path', async t => {
	const bundle = smallBundle();
	const folder = tempDir(t);
	const top = await writeBundle(bundle, folder);
	writeFileSync(join(top, 'opt/sealimage/agent.js'), 'other');
	await t.throwsAsync(openBundle(bundle.platform, from(t, folder)), {message: /agent\.js is damaged/});
	rmSync(join(top, 'opt/sealimage/agent.js'));
	await t.throwsAsync(openBundle(bundle.platform, from(t, folder)), {message: /agent\.js: it does not exist/});
	const other = bundle.platform === 'linux/amd64' ? 'linux/arm64' : 'linux/amd64';
	const error = await t.throwsAsync(openBundle(other, from(t, folder)));
	t.true(isSealError(error));
	t.like(error, {
		code: 'ERR_AGENT_BUNDLE',
		hint: `Make it with "sealimage agent fetch --platform ${other} --to ${folder}".`,
	});
});

test('a platform that there is no agent for is refused before anything is read', async t => {
	const error = await t.throwsAsync(openBundle('linux/riscv64', from(t, '/nowhere')));
	t.is(isSealError(error) && error.code, 'ERR_AGENT_PLATFORM');
});

test('without the script nothing is fetched', async t => {
	const options = {...from(t, ''), agentDir: undefined};
	await t.throwsAsync(openBundle('linux/amd64', options), {message: /There is no script of the agent/});
});

const good = smallBundle().manifest;
const file = Object.values(good.files)[0]!;

test('a description is read as it was written', t => {
	t.deepEqual(parseManifest(formatManifest(good), 'it'), good);
});

const damaged = test.macro((t: ExecutionContext, value: unknown) => {
	const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
	t.throws(() => parseManifest(bytes, 'it'), {code: 'ERR_AGENT_BUNDLE', message: /it does not describe an agent/});
});
test('a description that is no JSON is refused', damaged, '{');
test('a description that is null is refused', damaged, null);
test('a version that is a path is refused', damaged, {...good, version: '../../1'});
test('an empty version is refused', damaged, {...good, version: ''});
test('a platform of another kind is refused', damaged, {...good, platform: 'linux/../x'});
test('a description without files is refused', damaged, {...good, files: {}});
test('a file in another folder is refused', damaged, {...good, files: {'../node': file}});
test('a hidden file is refused', damaged, {...good, files: {'.node': file}});
test('a file that describes itself is refused', damaged, {...good, files: {'agent.json': file}});
test('a file without a digest is refused', damaged, {...good, files: {node: {...file, digest: 'sha256:0'}}});
test('a file of a negative size is refused', damaged, {...good, files: {node: {...file, sizeBytes: -1}}});
test('a setuid file is refused', damaged, {...good, files: {node: {...file, mode: '4755'}}});
test('more files than an agent has are refused', damaged, {
	...good,
	files: Object.fromEntries(Array.from({length: 65}, (_, i) => [`f${i}`, file])),
});

function from(t: ExecutionContext, agentDir: string): BundleOptions {
	const dir = tempDir(t);
	return {agentDir, cacheDir: join(dir, 'cache'), scriptDir: join(dir, 'none'), env: {}};
}
