import {chmodSync, lstatSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {stage as verb} from '../../../lib/runtime/agent/verbs/stage.js';
import {type StageRequest, stage} from '../../../lib/runtime/rootfs/stage.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

function config(path: string, strategy: 'override' | 'merge' | 'append', data: string) {
	return {name: '', match: '', path, strategy, data};
}

/** Trees of images, and a host to stage them on. */
function given(
	dir: string,
	trees: readonly Readonly<Record<string, string>>[],
	change: Partial<StageRequest> = {},
): {readonly root: string; readonly request: StageRequest; readonly at: (path: string) => string} {
	const folders = trees.map((files, index) => {
		writeFiles(join(dir, `tree-${index}`), files);
		return join(dir, `tree-${index}`);
	});
	const root = join(dir, 'kept');
	return {
		root,
		request: {place: 'rootfs', trees: folders, configs: [], env: {}, ...change},
		at: path => join(root, 'work/rootfs', path),
	};
}

test('the later image lies over the earlier, without the registry and the agent', async t => {
	const {root, request, at} = given(tempDir(t), [
		{
			'etc/a': 'rootfs',
			'etc/b': 'rootfs',
			'registry/docker/x': 'blob',
			'opt/sealimage/node': 'agent',
			'opt/tool': 'tool',
			'conf/file': '1',
		},
		{'etc/b': 'patch', 'bin/x': '-> ../opt/tool', conf: 'a file now'},
	]);
	const {path, changed} = await stage(request, root);
	t.true(changed);
	t.is(path, join(root, 'work/rootfs'));
	t.is(readFileSync(at('etc/a'), 'utf8'), 'rootfs');
	t.is(readFileSync(at('etc/b'), 'utf8'), 'patch');
	t.is(readlinkSync(at('bin/x')), '../opt/tool');
	t.is(readFileSync(at('conf'), 'utf8'), 'a file now');
	t.deepEqual(readdirSync(at('opt')), ['tool']);
	t.false(readdirSync(path).includes('registry'));
	t.is(statSync(join(root, 'work')).mode & 0o777, 0o700);
});

test('what a script edits in a working copy does not change the image', async t => {
	const {root, request, at} = given(tempDir(t), [{'scripts/a.sh': 'echo a\n'}]);
	await stage(request, root);
	writeFileSync(at('scripts/a.sh'), 'echo b\n');
	t.is(readFileSync(join(request.trees[0]!, 'scripts/a.sh'), 'utf8'), 'echo a\n');
});

test('large programs share their bytes with the image, other large files do not', async t => {
	const large = 'x'.repeat(1024 * 1024);
	const {root, request, at} = given(tempDir(t), [{'bin/kubelet': large, 'data.db': large, 'a.tar.gz': large}]);
	chmodSync(join(request.trees[0]!, 'bin/kubelet'), 0o755);
	await stage(request, root);
	t.deepEqual(
		['bin/kubelet', 'data.db', 'a.tar.gz'].map(path => statSync(at(path)).nlink),
		[2, 1, 2],
	);
	t.is(statSync(at('bin/kubelet')).mode & 0o777, 0o755);
});

test('templates are rendered beside themselves with the variables of the host', async t => {
	const {root, request, at} = given(
		tempDir(t),
		[
			{
				'etc/config.toml.tmpl': 'sandbox = "{{ .sandboxImage }}"\n',
				'scripts/deep/run.sh.tpl': '{{ .Env.sandboxImage }}',
				'charts/app.values.yaml.tmpl': 'image: {{ .Values.sandboxImage }}\n',
				'charts/app/templates/_helpers.tpl': '{{ define "x" }}{{ end }}',
				'manifests/chart/Chart.yaml': 'name: x\n',
				'manifests/chart/templates/a.tpl': '{{ .Release.Name }}',
				'other/x.tmpl': '{{ .nothing }}',
			},
		],
		{env: {sandboxImage: 'pause:3.2'}},
	);
	chmodSync(join(request.trees[0]!, 'scripts/deep/run.sh.tpl'), 0o755);
	t.is((await stage(request, root)).rendered, 3);
	t.is(readFileSync(at('etc/config.toml'), 'utf8'), 'sandbox = "pause:3.2"\n');
	t.is(readFileSync(at('scripts/deep/run.sh'), 'utf8'), 'pause:3.2');
	t.is(statSync(at('scripts/deep/run.sh')).mode & 0o777, 0o755);
	t.is(readFileSync(at('charts/app.values.yaml'), 'utf8'), 'image: pause:3.2\n');
	t.deepEqual(readdirSync(at('charts/app/templates')), ['_helpers.tpl']);
	t.deepEqual(readdirSync(at('manifests/chart/templates')), ['a.tpl']);
	t.true(readdirSync(at('etc')).includes('config.toml.tmpl'));
});

test('Configs change files of the image, templates, and what templates become', async t => {
	const {root, request, at} = given(
		tempDir(t),
		[{'etc/a.yaml': 'a: 1\nb: 2\n', 'etc/t.tmpl': 'one\n', 'etc/u.tmpl': 'x\n'}],
		{
			configs: [
				config('etc/a.yaml', 'merge', 'b: 3\n'),
				config('etc/new/file', 'override', 'new\n'),
				config('etc/t', 'append', 'two\n'),
				config('etc/u.tmpl', 'override', '{{ .name }}\n'),
			],
			env: {name: 'value'},
		},
	);
	await stage(request, root);
	t.is(readFileSync(at('etc/a.yaml'), 'utf8'), 'a: 1\nb: 3\n');
	t.is(readFileSync(at('etc/new/file'), 'utf8'), 'new\n');
	t.is(readFileSync(at('etc/t'), 'utf8'), 'one\ntwo\n');
	t.is(readFileSync(at('etc/u'), 'utf8'), 'value\n');
	t.is(readFileSync(join(request.trees[0]!, 'etc/a.yaml'), 'utf8'), 'a: 1\nb: 2\n');
});

test('the same request again does nothing, another one replaces the copy whole', async t => {
	const {root, request, at} = given(tempDir(t), [{'etc/a.tmpl': '{{ .x }}'}], {env: {x: '1'}});
	await stage(request, root);
	const before = readlinkSync(join(root, 'work/rootfs'));
	t.false((await stage(request, root)).changed);
	t.is(readlinkSync(join(root, 'work/rootfs')), before);
	t.true((await stage({...request, env: {x: '2'}}, root)).changed);
	t.is(readFileSync(at('etc/a'), 'utf8'), '2');
	t.is(readdirSync(join(root, 'work/.copies')).length, 1);
});

test('a mistake in a template is told with file and line, and the copy that was there stays', async t => {
	const {root, request, at} = given(tempDir(t), [{'etc/a.tmpl': 'a\n{{ .password | b64dec | ipNet }}\n'}], {
		env: {password: 'hunter22'},
	});
	const good = {...request, trees: [join(request.trees[0]!, 'etc')]};
	await stage(good, root);
	const error = await t.throwsAsync(stage(request, root), {code: 'ERR_TEMPLATE', message: /^etc\/a\.tmpl:2 /});
	t.false(error!.message.includes('hunter22'));
	t.true(lstatSync(at('a.tmpl')).isFile());
	t.deepEqual(readdirSync(join(root, 'work/.copies')).length, 1);
});

test('the value of a secret variable is in no message', async t => {
	const {root, request} = given(tempDir(t), [{'etc/a.tmpl': '{{ semverCompare ">=1" .apiToken }}'}], {
		env: {apiToken: 'hunter22'},
	});
	const error = await t.throwsAsync(stage(request, root), {code: 'ERR_TEMPLATE'});
	t.regex(error!.message, /"\[secret\]" is no version/);
});

const refused = test.macro<[string, Readonly<Record<string, string>>, string]>({
	async exec(t, path, files, code) {
		const {root, request} = given(tempDir(t), [files], {configs: [config(path, 'override', 'x')]});
		await t.throwsAsync(stage(request, root), {code});
	},
	title: (_, path, __, code) => `a Config for ${path} is refused with ${code}`,
});

test(refused, '../outside', {a: ''}, 'ERR_UNSAFE_PATH');
test(refused, '/etc/passwd', {a: ''}, 'ERR_UNSAFE_PATH');
test(refused, 'etc/shadow', {etc: '-> /etc'}, 'ERR_CONFIG_DOCUMENT');
test(refused, 'etc/link', {'etc/link': '-> /etc/passwd'}, 'ERR_CONFIG_DOCUMENT');
test(refused, 'etc', {'etc/a': ''}, 'ERR_CONFIG_DOCUMENT');

const wrong = test.macro<[string, unknown, RegExp]>({
	exec(t, name, value, message) {
		const params = {place: 'rootfs', trees: [], configs: [], env: {}, [name]: value};
		t.throws(() => verb.parse(params), {code: 'ERR_USAGE', message});
	},
	title: (_, name, value) => `the verb refuses ${name} ${JSON.stringify(value)}`,
});

test(wrong, 'place', '../x', /^place is not/);
test(wrong, 'place', 'application/../../x', /^place is not/);
test(wrong, 'place', 'rootfs/x', /^place is not/);
test(wrong, 'trees', 'x', /^trees is not/);
test(wrong, 'configs', [{name: '', match: '', path: 'a', strategy: 'delete', data: ''}], /^configs is not/);
test(wrong, 'env', {a: 1}, /^env is not/);
