import test from 'ava';
import {type DiscoverOptions, discoverImages} from '../../../lib/sealfile/discover/discover.js';
import type {Discovery} from '../../../lib/sealfile/discover/types.js';
import {memoryFiles} from '../../helpers/memory-files.js';

const digest = `sha256:${'1'.repeat(64)}`;

function discover(contents: Record<string, string | Uint8Array>, options: DiscoverOptions = {}): Promise<Discovery> {
	return discoverImages(memoryFiles(contents), options);
}

/** `name path:line` of every image. */
function found({images}: Discovery): string[] {
	return images.flatMap(image =>
		image.foundIn.map(({path, line}) => `${image.name} ${path}${line === undefined ? '' : `:${line}`}`),
	);
}

const finds = test.macro<[text: string, names: readonly string[], path?: string, options?: DiscoverOptions]>({
	exec: async (t, text, names, path = 'manifests/x.yaml', options = {}) => {
		const {images, warnings} = await discover({[path]: text}, options);
		t.deepEqual(
			images.map(image => image.name),
			names,
		);
		t.deepEqual(warnings, []);
	},
	title: (title?: string) => `discovery finds ${String(title)}`,
});

const pod = (spec: string): string => `apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n${spec}`;

test(
	'containers of every sort',
	finds,
	pod(`
  containers: [{image: "a/app:1"}]
  initContainers:
  - name: x
    image: 'b/init:1'
  ephemeralContainers:
  - image: c/debug:1
`),
	['docker.io/a/app:1', 'docker.io/b/init:1', 'docker.io/c/debug:1'],
);

test(
	'pod templates of all workload kinds',
	finds,
	['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'Job']
		.map(
			kind =>
				`apiVersion: apps/v1\nkind: ${kind}\nspec: {template: {spec: {containers: [{image: "x/${kind.toLowerCase()}:1"}]}}}`,
		)
		.join('\n---\n'),
	['daemonset', 'deployment', 'job', 'replicaset', 'statefulset'].map(kind => `docker.io/x/${kind}:1`),
);

test(
	'the pod template of a CronJob',
	finds,
	`kind: CronJob
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers:
          - image: registry.k8s.io/job:v1
`,
	['registry.k8s.io/job:v1'],
);

test(
	'items of a List',
	finds,
	`apiVersion: v1
kind: List
items:
- {kind: Pod, spec: {containers: [{image: one:1}]}}
- {kind: Pod, spec: {containers: [{image: two:1}]}}
`,
	['docker.io/library/one:1', 'docker.io/library/two:1'],
);

test(
	'pod templates in custom objects',
	finds,
	`apiVersion: acid.zalan.do/v1
kind: postgresql
spec: {podTemplate: {spec: {containers: [{image: quay.io/a/b:1}]}}}
`,
	['quay.io/a/b:1'],
);

test('image volumes', finds, pod('  volumes: [{name: v, image: {reference: quay.io/v/model:1}}]'), [
	'quay.io/v/model:1',
]);

test(
	'references split into registry, repository, tag and digest',
	finds,
	`kind: Operator
spec:
  image: {registry: quay.io, repository: a/b, tag: v1}
  other: {image: {repository: c/d, tag: "2.0"}}
  pinned: {repository: e/f, digest: "${digest}"}
  short: {repository: g/h, tag: ""}
`,
	[`docker.io/c/d:2.0`, `docker.io/e/f@${digest}`, 'docker.io/g/h:latest', 'quay.io/a/b:v1'],
);

test(
	'images in flags and variables of operators',
	finds,
	pod(`
  containers:
  - image: op:1
    args: ["--reloader-image=quay.io/r/r:1", --verbose, "--image-pull-policy=Always"]
    env: [{name: RELATED_IMAGE_X, value: quay.io/x/x:1}, {name: IMAGE, value: none}]
`),
	['docker.io/library/op:1', 'quay.io/r/r:1', 'quay.io/x/x:1'],
);

test(
	'pod templates in the texts of a ConfigMap',
	finds,
	`apiVersion: v1
kind: ConfigMap
data:
  template: |
    spec:
      containers:
      - image: istio/proxyv2:1.20
`,
	['docker.io/istio/proxyv2:1.20'],
);

test(
	'images that a kustomization puts in the place of others',
	finds,
	`kind: Kustomization
images:
- {name: nginx, newTag: "1.27"}
- {name: a, newName: quay.io/b/a, newTag: v2}
- {name: only, newName: renamed}
`,
	['docker.io/library/nginx:1.27', 'quay.io/b/a:v2'],
	'manifests/kustomization.yaml',
);

test(
	'images in JSON',
	finds,
	JSON.stringify({kind: 'Pod', spec: {containers: [{image: 'json:1'}]}}, null, '\t'),
	['docker.io/library/json:1'],
	'manifests/pod.json',
);

test(
	'images below any folder of manifests',
	finds,
	pod('  containers: [{image: deep:1}]'),
	['docker.io/library/deep:1'],
	'manifests/a/b/c.yml',
);

test(
	'images behind anchors, aliases and merge keys, once',
	finds,
	`
base: &c {image: "anchored:1"}
spec:
  containers:
  - *c
  - <<: *c
    name: second
`,
	['docker.io/library/anchored:1'],
);

test(
	'images in files with a byte order mark, CRLF and comments',
	finds,
	'\uFEFF# image: commented:1\r\nkind: Pod\r\nspec:\r\n  containers:\r\n  - image: crlf:1 # the best\r\n',
	['docker.io/library/crlf:1'],
);

test('tag and digest together', finds, pod(`  containers: [{image: "a:1@${digest}"}]`), [
	`docker.io/library/a:1@${digest}`,
]);

test(
	'extra fields of operators named by label',
	finds,
	`apiVersion: monitoring.coreos.com/v1
kind: Prometheus
spec:
  baseImage: quay.io/prometheus/prometheus:v2
  sidecars: [{source: quay.io/s/one:1}, {source: quay.io/s/two:1}]
`,
	['quay.io/prometheus/prometheus:v2', 'quay.io/s/one:1', 'quay.io/s/two:1'],
	'manifests/p.yaml',
	{imageFields: 'Prometheus.spec.baseImage, *.spec.sidecars[].source Other.spec.no'},
);

test(
	'nothing in the schema of a custom resource',
	finds,
	`kind: CustomResourceDefinition
spec:
  versions:
  - schema: {openAPIV3Schema: {properties: {image: {type: string, description: "an image: name"}}}}
`,
	[],
);

test(
	'variables of templates that ENV gives a value',
	finds,
	`kind: Pod
spec:
  containers:
  - image: {{ .registry }}/app:{{ .Env.version | default "9" }}
  - image: "{{ .Values.registry }}/two:{{ default "latest" .missing }}"
`,
	['r.io/app:3', 'r.io/two:latest'],
	'manifests/x.yaml.tmpl',
	{env: {registry: 'r.io', version: '3'}},
);

test(
	'both branches of a template',
	finds,
	`kind: Pod
spec:
  containers:
  {{- if .ha }}
  - image: ha:1
  {{- else }}
  - image: single:1
  {{- end }}
  labels:
    {{- toYaml .labels | nindent 4 }}
`,
	['docker.io/library/ha:1', 'docker.io/library/single:1'],
	'manifests/x.tmpl',
);

test('a found image names every place with its line and object', async t => {
	const result = await discover({
		'manifests/a.yaml': pod('  containers:\n  - image: redis:7\n'),
		'manifests/b.yaml': 'kind: Pod\nspec: {image: docker.io/library/redis:7}\n',
		'images/shim/list': '# header\n\nredis:7 # cache\n',
	});
	t.deepEqual(found(result), [
		'docker.io/library/redis:7 images/shim/list:3',
		'docker.io/library/redis:7 manifests/a.yaml:6',
		'docker.io/library/redis:7 manifests/b.yaml:2',
	]);
	t.is(result.images[0]?.foundIn[1]?.detail, 'Pod/p');
});

test('a broken document does not hide the others', async t => {
	const result = await discover({'manifests/x.yaml': 'image: one:1\n---\na: [\nimage: two:1\n---\nimage: three:1\n'});
	t.deepEqual(found(result), [
		'docker.io/library/one:1 manifests/x.yaml:1',
		'docker.io/library/three:1 manifests/x.yaml:6',
		'docker.io/library/two:1 manifests/x.yaml:4',
	]);
	t.deepEqual(
		result.warnings.map(({code, file, line}) => [code, file, line]),
		[['ManifestUnreadable', 'manifests/x.yaml', 4]],
	);
});

test('a reference that is none is a warning with its place', async t => {
	const {images, warnings} = await discover({'manifests/x.yaml': 'a: 1\nimage: "Not An Image"\n'});
	t.deepEqual(images, []);
	t.like(warnings[0], {code: 'ImageReferenceInvalid', file: 'manifests/x.yaml', line: 2});
});

test('an image that only run time knows is a warning', async t => {
	const {images, warnings} = await discover({'manifests/x.yaml.tmpl': 'kind: Pod\nimage: {{ .unknown }}/a:1\n'});
	t.deepEqual(images, []);
	t.like(warnings[0], {code: 'ImageReferenceTemplate', line: 2});
	t.regex(warnings[0]?.message ?? '', /\{\{ \.unknown \}\}\/a:1/);
});

test('a bomb of aliases is read in the time of its text', async t => {
	const lines = ['a0: &a0 {image: "bomb:1"}'];
	for (let i = 1; i < 40; i++) lines.push(`a${i}: &a${i} [${Array.from({length: 10}, () => `*a${i - 1}`).join(', ')}]`);
	const result = await discover({'manifests/x.yaml': lines.join('\n')});
	t.deepEqual(found(result), ['docker.io/library/bomb:1 manifests/x.yaml:1']);
});

test('a text that contains itself is read to its end', async t => {
	const result = await discover({'manifests/x.yaml': 'a: &a\n  image: self:1\n  again: *a\n'});
	t.deepEqual(found(result), ['docker.io/library/self:1 manifests/x.yaml:2']);
});

test('nesting beyond the limit of the parser is read by lines', async t => {
	const result = await discover({'manifests/x.yaml': `${'['.repeat(5000)}\nimage: deep:1\n`});
	t.deepEqual(found(result), ['docker.io/library/deep:1 manifests/x.yaml:2']);
});

test('files that are no text or too long are warnings', async t => {
	const {warnings} = await discover({
		'manifests/a.yaml': Buffer.from('i\0m\0a\0g\0e\0:\0'),
		'manifests/b.yaml': Buffer.alloc(16 * 1024 * 1024 + 1, 32),
	});
	t.deepEqual(
		warnings.map(({code, file}) => [code, file]),
		[
			['ManifestUnreadable', 'manifests/a.yaml'],
			['FileTooLarge', 'manifests/b.yaml'],
		],
	);
});

test('files outside the known folders are not searched', async t => {
	const {images} = await discover({
		'etc/x.yaml': 'image: no:1',
		'manifests/readme.md': 'image: no:2',
		'x.yaml': 'image: no:3',
	});
	t.deepEqual(images, []);
});

test('lines of images/shim must be references', async t => {
	const error = await t.throwsAsync(discover({'images/shim/a': 'ok:1\nNot A Reference\n', 'images/shim/b': 'x:y:z\n'}));
	t.like(error, {code: 'ERR_IMAGE_LIST'});
	t.regex(error?.message ?? '', /images\/shim\/a:2: Not A Reference[\s\S]*images\/shim\/b:1/);
});

test('archives of tar.txt are found beside the list or from the root', async t => {
	const {archives, images} = await discover({
		'images/skopeo/tar.txt': 'docker-archive:one.tar@repo/one:1\noci-archive:images/two.tar@quay.io/two:2\n',
		'images/skopeo/one.tar': 'x',
		'images/two.tar': 'x',
	});
	t.deepEqual(
		archives.map(({transport, path, name}) => [transport, path, name]),
		[
			['docker-archive', 'images/skopeo/one.tar', 'docker.io/repo/one:1'],
			['oci-archive', 'images/two.tar', 'quay.io/two:2'],
		],
	);
	t.deepEqual(
		images.map(image => image.name),
		['docker.io/repo/one:1', 'quay.io/two:2'],
	);
});

test('archives of tar.txt that are missing, outside or misspelt are errors', async t => {
	const list = 'docker-archive:gone.tar@a:1\ndocker-archive:../../../etc/passwd@a:1\nzip:one.tar@a:1\n';
	const error = await t.throwsAsync(discover({'images/skopeo/tar.txt': list}));
	t.like(error, {code: 'ERR_IMAGE_LIST'});
	t.regex(error?.message ?? '', /^3 lines/);
});

test('.sealignore excludes by reference and by glob, and takes back', async t => {
	const {images, excluded} = await discover({
		'images/shim/list': 'redis:7\nquay.io/a/b:1\nquay.io/a/keep:1\nregistry.k8s.io/pause:3.9\nnginx:1\n',
		'.sealignore': '# images\nredis:7\nquay.io/a/*\n!quay.io/a/keep:1\n*\n*.md\nmanifests\n',
	});
	t.deepEqual(
		images.map(image => image.name),
		['docker.io/library/nginx:1', 'quay.io/a/keep:1', 'registry.k8s.io/pause:3.9'],
	);
	t.deepEqual(
		excluded.map(image => image.name),
		['docker.io/library/redis:7', 'quay.io/a/b:1'],
	);
});

test('the same tree read in another order gives the same result', async t => {
	const contents = {
		'manifests/a.yaml': 'image: redis:7\n---\nimage: docker.io/redis:7\n---\nimage: Bad Bad\n',
		'manifests/b.yaml': 'image: library/redis:7\n---\nimage: "{{ .x }}"\n',
	};
	const files = memoryFiles(contents);
	const reversed = {...files, read: (paths: Iterable<string>) => files.read([...paths].reverse())};
	t.deepEqual(await discoverImages(reversed), await discoverImages(files));
});

const hostile: Readonly<Record<string, string>> = {
	'open braces': '{{ '.repeat(150_000),
	'blank lines': `kind: ConfigMap\ndata:\n  a: |\n${'\n'.repeat(150_000)}    image\n`,
	'white space in an action': `image: {{${' '.repeat(150_000)}x`,
	'a long flag': `args: ["-${'image'.repeat(200_000)}"]`,
	'many documents': '---\n'.repeat(60_000),
	'many comments': '# image: x\n'.repeat(60_000),
	'quotes without end': 'image:"'.repeat(50_000),
	'deep flow': `image: ${'{a: '.repeat(50_000)}`,
	'many anchors': Array.from({length: 15_000}, (_, i) => `a${i}: &a${i} {image: *a${Math.max(0, i - 1)}}`).join('\n'),
};

for (const [name, text] of Object.entries(hostile)) {
	test(`a manifest of ${name} is read to its end`, async t => {
		const {images} = await discover({
			'manifests/x.yaml': text,
			'manifests/x.yaml.tmpl': text,
			'images/shim/list': 'ok:1\n',
		});
		t.deepEqual(
			images.map(image => image.name).filter(found => found.endsWith('ok:1')),
			['docker.io/library/ok:1'],
		);
	});
}
