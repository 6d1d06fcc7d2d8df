import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {gzipSync} from 'node:zlib';
import test from 'ava';
import {discoverImages} from '../../../lib/sealfile/discover/discover.js';
import {findHelm, type HelmCommand, renderChart} from '../../../lib/sealfile/discover/helm.js';
import type {Discovery} from '../../../lib/sealfile/discover/types.js';
import {memoryFiles} from '../../helpers/memory-files.js';
import {tempDir} from '../../helpers/temp-dir.js';

const names = ({images}: Discovery): string[] => images.map(image => image.name);

const chart = 'apiVersion: v2\nname: web\nversion: 0.1.0\nappVersion: "1.25"\n';

/** A USTAR archive of text files, as `helm package` makes one. */
function packed(files: Readonly<Record<string, string>>): Buffer {
	const blocks = Object.entries(files).flatMap(([path, text]) => {
		const header = Buffer.alloc(512);
		header.write(path, 0);
		header.write('0000644\0', 100);
		header.write('0000000\0', 108);
		header.write('0000000\0', 116);
		header.write(`${text.length.toString(8).padStart(11, '0')}\0`, 124);
		header.write('00000000000\0', 136);
		header.write('        0', 148);
		header.write('ustar\x0000', 257);
		const sum = header.reduce((total, byte) => total + byte, 0);
		header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
		return [header, Buffer.from(text), Buffer.alloc((512 - (text.length % 512)) % 512)];
	});
	return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

test('without helm a chart is read from its values and templates, and named in a warning', async t => {
	const result = await discoverImages(
		memoryFiles({
			'charts/web/Chart.yaml': chart,
			'charts/web/values.yaml':
				'image: {repository: nginx, tag: ""}\nproxy:\n  image: {registry: quay.io, repository: p/proxy, tag: v2}\nworker: {name: w/worker, version: 7}\nnone: {repository: "https://charts.example.com"}\n',
			'charts/web/templates/a.yaml':
				'spec:\n  containers:\n  - image: "{{ .Values.worker.name }}:{{ .Values.worker.version }}"\n  - image: busybox:1.36\n  - image: {{ include "web.image" . }}\n  {{- with .Values.proxy.image }}\n  - image: {{ .registry }}/{{ .repository }}:{{ .tag }}-debug\n  {{- end }}\n',
			'charts/web/templates/NOTES.txt': 'image: no:1',
		}),
	);
	t.deepEqual(names(result), [
		'docker.io/library/busybox:1.36',
		'docker.io/library/nginx:1.25',
		'docker.io/w/worker:7',
		'quay.io/p/proxy:v2',
		'quay.io/p/proxy:v2-debug',
	]);
	t.deepEqual(result.charts, [{name: 'web', path: 'charts/web', read: 'values'}]);
	t.deepEqual(
		result.warnings.map(({code, file}) => [code, file]),
		[['ChartNotRendered', 'charts/web']],
	);
	t.deepEqual(result.images[0]?.foundIn, [{path: 'charts/web/templates/a.yaml', line: 4, detail: 'chart web'}]);
});

test('values beside the chart count more than its own, those of a parent more than those of a chart inside', async t => {
	const result = await discoverImages(
		memoryFiles({
			'charts/dir/Chart.yaml': chart,
			'charts/dir/values.yaml': 'image: {repository: a, tag: "1"}\nsub: {image: {tag: "9"}}\n',
			'charts/dir/charts/sub/Chart.yaml': 'name: sub\n',
			'charts/dir/charts/sub/values.yaml': 'image: {repository: inner, tag: "1"}\n',
			'charts/web.values.yaml': 'image: {tag: "2"}\n',
		}),
	);
	t.deepEqual(names(result), ['docker.io/library/a:2', 'docker.io/library/inner:9']);
});

test('a packed chart is read, charts packed inside it too', async t => {
	const inner = packed({'sub/Chart.yaml': 'name: sub\n', 'sub/values.yaml': 'image: inner:1\n'});
	t.deepEqual(
		names(
			await discoverImages(
				memoryFiles({
					'charts/web-0.1.0.tgz': packed({'web/Chart.yaml': chart, 'web/values.yaml': 'image: {repository: a}\n'}),
					'charts/outer/Chart.yaml': 'name: outer\n',
					'charts/outer/charts/sub-1.tgz': inner,
				}),
			),
		),
		['docker.io/library/a:1.25', 'docker.io/library/inner:1'],
	);
});

test('a damaged chart is a warning, not the end', async t => {
	const result = await discoverImages(memoryFiles({'charts/bad.tgz': 'no archive', 'images/shim/list': 'ok:1\n'}));
	t.deepEqual(names(result), ['docker.io/library/ok:1']);
	t.deepEqual(
		result.warnings.map(({code, file}) => [code, file]),
		[['ChartUnreadable', 'charts/bad.tgz']],
	);
});

test('values that are a bomb of aliases are read in the time of their text', async t => {
	const lines = ['a0: &a0 {image: "bomb:1"}'];
	for (let i = 1; i < 30; i++)
		lines.push(`a${i}: &a${i} {${Array.from({length: 9}, (_, j) => `k${j}: *a${i - 1}`).join(', ')}}`);
	const bomb = lines.join('\n');
	const result = await discoverImages(
		memoryFiles({'charts/web/Chart.yaml': chart, 'charts/web/values.yaml': bomb, 'charts/web.values.yaml': bomb}),
	);
	t.deepEqual(names(result), ['docker.io/library/bomb:1']);
});

function fakeHelm(
	dir: string,
	answer: {exitCode: number; stdout?: string; stderr?: string},
): {helm: HelmCommand; calls: string[][]; seen: string[][]} {
	const calls: string[][] = [];
	const seen: string[][] = [];
	const run: HelmCommand['run'] = async (argv, {cwd}) => {
		calls.push([...argv]);
		seen.push(readdirSync(join(cwd, 'chart')).sort());
		return {exitCode: answer.exitCode, stdout: answer.stdout ?? '', stderr: answer.stderr ?? ''};
	};
	return {helm: {run, tempDir: join(dir, 'tmp')}, calls, seen};
}

test('helm renders charts with the values beside them, and its folders are removed', async t => {
	const dir = tempDir(t);
	const {helm, calls, seen} = fakeHelm(dir, {
		exitCode: 0,
		stdout:
			'---\n# Source: web/templates/d.yaml\nkind: Deployment\nmetadata: {name: d}\napiVersion: v1\nspec: {image: rendered:1}\n',
	});
	const result = await discoverImages(
		memoryFiles({
			'charts/web/Chart.yaml': chart,
			'charts/web/values.yaml': 'image: not:used\n',
			'charts/web.values.yaml': 'a: 1\n',
		}),
		{helm: async () => helm},
	);
	t.deepEqual(names(result), ['docker.io/library/rendered:1']);
	t.deepEqual(result.images[0]?.foundIn, [{path: 'charts/web/templates/d.yaml', detail: 'chart web, Deployment/d'}]);
	t.deepEqual(result.charts, [{name: 'web', path: 'charts/web', read: 'helm'}]);
	t.deepEqual(result.warnings, []);
	t.deepEqual(calls, [['template', 'dryrun', 'chart', '-f', 'values-0.yaml']]);
	t.deepEqual(seen, [['Chart.yaml', 'values.yaml']]);
	t.deepEqual(readdirSync(helm.tempDir), []);
});

test('a chart that helm refuses is read without it, and the warning says why', async t => {
	const {helm} = fakeHelm(tempDir(t), {exitCode: 1, stderr: 'Error: missing dependency'});
	const result = await discoverImages(
		memoryFiles({'charts/web/Chart.yaml': chart, 'charts/web/values.yaml': 'image: plain:1\n'}),
		{helm: async () => helm},
	);
	t.deepEqual(names(result), ['docker.io/library/plain:1']);
	t.regex(result.warnings[0]?.message ?? '', /missing dependency/);
});

test('what helm says about a chart is in the error', async t => {
	const {helm} = fakeHelm(tempDir(t), {exitCode: 1, stderr: 'Error: no template'});
	const rendering = renderChart(helm, 'charts/web', new Map([['Chart.yaml', Buffer.from(chart)]]), [], {});
	await t.throwsAsync(rendering, {code: 'ERR_CHART', message: /charts\/web: Error: no template/});
});

test('a helm that is not there is not used', async t => {
	const dir = tempDir(t);
	t.is(await findHelm({tempDir: dir, command: join(dir, 'helm'), env: {}}), undefined);
	t.false(existsSync(join(dir, 'chart')));
});

test('a helm that answers is found and run with its arguments', async t => {
	const helm = await findHelm({tempDir: tempDir(t), command: 'echo', env: {PATH: '/usr/bin:/bin'}});
	const result = await helm?.run(['template', 'x'], {cwd: '/'});
	t.deepEqual(result, {exitCode: 0, stdout: 'template x\n', stderr: ''});
});
