import test from 'ava';
import {type ClusterLintOptions, lintCluster} from '../../../lib/sealfile/lint/cluster.js';
import {calledCommands} from '../../../lib/sealfile/lint/command-words.js';
import {lintSealfile} from '../../../lib/sealfile/lint/lint.js';
import {parseSealfile} from '../../../lib/sealfile/parse/parse.js';
import {memoryFiles} from '../../helpers/memory-files.js';

/** `Code file:line` of what is found; findings of the language's own rules are left out. */
async function lint(
	sealfile: string,
	contents: Record<string, string>,
	options: ClusterLintOptions = {},
): Promise<string[]> {
	const tree = parseSealfile(sealfile, {file: 'Sealfile'});
	const {rules, diagnostics} = await lintCluster(tree, memoryFiles(contents), options);
	const own = new Set(rules.map(rule => rule.name));
	const inFile = lintSealfile(tree, {rules}).filter(({code}) => own.has(code));
	return [...inFile, ...diagnostics].map(
		({code, file, range, message}) => `${code} ${file}:${range.startLine} ${message}`,
	);
}

const finds = test.macro<
	[sealfile: string, contents: Record<string, string>, wanted: readonly RegExp[], options?: ClusterLintOptions]
>({
	exec: async (t, sealfile, contents, wanted, options) => {
		const found = await lint(sealfile, contents, options);
		t.is(found.length, wanted.length, found.join('\n'));
		for (const [i, pattern] of wanted.entries()) t.regex(found[i] ?? '', pattern);
	},
	title: title => `lint ${String(title)}`,
});

const copyAll = 'FROM scratch\nCOPY . .\n';

test(
	'finds an image without a tag and one that is latest',
	finds,
	copyAll,
	{'images/shim/list': 'nginx\nredis:latest\nok:1\n'},
	[/^EmbeddedTagMissing images\/shim\/list:1 nginx has no tag/, /^EmbeddedLatest images\/shim\/list:2/],
);

test('leaves references by digest alone', finds, copyAll, {'images/shim/list': `nginx@sha256:${'1'.repeat(64)}\n`}, []);

test(
	'finds manifests whose image .sealignore excludes',
	finds,
	copyAll,
	{'manifests/a.yaml': 'image: nginx:1\n', '.sealignore': 'nginx:1\n'},
	[/^ImageNotEmbedded manifests\/a.yaml:1 nginx:1 is not embedded: .sealignore/],
);

test(
	'finds every manifest when images are not saved',
	finds,
	copyAll,
	{'manifests/a.yaml': 'image: nginx:1\n'},
	[/^ImageNotEmbedded manifests\/a.yaml:1/],
	{saveImages: false},
);

test(
	'finds commands that neither the image nor every host has',
	finds,
	`${copyAll}CMD ["helm upgrade -i x charts/x", "kubectl apply -f manifests && mytool run | grep x"]\n`,
	{'bin/other': ''},
	[/^CommandMissing Sealfile:3 The command calls helm/, /mytool/, /^RunBitMissing bin\/other/],
);

test(
	'accepts commands that the image carries',
	finds,
	`${copyAll}ENTRYPOINT ["bash scripts/prepare.sh", "./opt/run --x"]\nCMD helm install x && X=1 sudo -n mytool\n`,
	{'bin/helm*': '', 'bin/mytool*': '', 'scripts/prepare.sh*': '#!/bin/sh\n', 'opt/run*': '#!/bin/sh\n'},
	[],
);

test('finds scripts that are not in the image', finds, `${copyAll}CMD ["bash install.sh", "./run.sh"]\n`, {}, [
	/CommandMissing Sealfile:3 The command runs the script install.sh/,
	/CommandMissing Sealfile:3 The command calls .\/run.sh/,
]);

test(
	'does not guess commands when the image has more than the context',
	finds,
	'FROM base:1\nCOPY . .\nCMD ["helm install x"]\n',
	{},
	[],
);

test(
	'knows the files of a built image, whatever its Sealfile',
	finds,
	'FROM base:1\nCMD ["helm install x"]\n',
	{},
	[/helm/],
	{built: true},
);

test(
	'finds scripts and programs without their run bit',
	finds,
	copyAll,
	{'scripts/a.sh': '#!/bin/sh\n', 'scripts/b.sh*': '#!/bin/sh\n', 'scripts/notes.txt': 'x', 'bin/tool': 'ELF'},
	[/^RunBitMissing bin\/tool:1/, /^RunBitMissing scripts\/a.sh:1/],
);

test(
	'leaves run bits to a COPY that sets them',
	finds,
	'FROM scratch\nCOPY --chmod=755 . .\n',
	{'scripts/a.sh': '#!/bin/sh\n'},
	[],
);

test(
	'finds labels that contradict each other, as an error',
	finds,
	'FROM scratch\nLABEL sealos.io.type=rootfs\nLABEL sealimage.io/type=patch\n',
	{},
	[/^ClusterLabel Sealfile:\d The labels sealimage.io\/type=patch and sealos.io.type=rootfs contradict/],
);

test(
	'finds unknown labels, unknown types and a type given twice',
	finds,
	'FROM scratch\nLABEL sealos.io.typ="rootfs"\nLABEL sealos.io.type=app\nLABEL sealos.io.type=patch\n',
	{},
	[/ClusterLabel Sealfile:2 .*sealos.io.typ is not one/, /ClusterLabel Sealfile:4 .*is app above and patch here/],
);

test(
	'finds a COPY of the registry that the build writes itself',
	finds,
	'FROM scratch\nCOPY registry ./registry\n',
	{},
	[/^RegistryCopied Sealfile:2/],
);

test(
	'obeys the check directive for findings in files too',
	finds,
	'# check=skip=EmbeddedTagMissing\nFROM scratch\nCOPY . .\n',
	{'images/shim/list': 'nginx\n'},
	[],
);

test('finds an archive that the image carries beside its embedded image', async t => {
	const contents = {'images/skopeo/tar.txt': 'docker-archive:a.tar@a:1\n', 'images/skopeo/a.tar': 'x'};
	t.regex((await lint(copyAll, contents)).join(), /^ArchiveCarriedTwice images\/skopeo\/tar.txt:1/);
});

test('reports wrong lines of lists as errors and goes on', async t => {
	const files = memoryFiles({'images/shim/list': 'Not Good\n', 'manifests/a.yaml': 'image: nginx\n'});
	const {diagnostics} = await lintCluster(undefined, files, {shownPath: path => `ctx/${path}`});
	t.deepEqual(
		diagnostics.map(({severity, code, file, lineText}) => [severity, code, file, lineText]),
		[
			['error', 'ImageListInvalid', 'ctx/images/shim/list', 'Not Good'],
			['warning', 'EmbeddedTagMissing', 'ctx/manifests/a.yaml', 'image: nginx'],
		],
	);
});

const calls = test.macro<[line: string, names: readonly string[]]>({
	exec: (t, line, names) =>
		t.deepEqual(
			calledCommands(line).map(call => call.name),
			names,
		),
	title: (_, line) => `the commands of ${JSON.stringify(line)} are found`,
});

test(calls, 'a; b && c || d | e & f', ['a', 'b', 'c', 'd', 'e', 'f']);
test(calls, 'X=1 Y="a b" tool --flag', ['tool']);
test(calls, 'sudo -n env A=1 timeout 10s tool x', ['tool']);
test(calls, 'if test -f x; then tool; else other; fi', ['test', 'tool', 'other']);
test(calls, 'for i in a b; do echo $i; done', ['echo']);
test(calls, 'echo "a; b | c" \'d && e\' # not this', ['echo']);
test(calls, '$TOOL run; ${X} y', []);
test(calls, 'helm install x 2>&1 > log && echo done', ['helm', 'echo']);
test(calls, 'f() { inner; }; f', ['inner']);
test(calls, 'V=$(kubectl get x; date) tool $(id) arg', ['tool', 'kubectl', 'date', 'id']);
test(calls, '', []);
