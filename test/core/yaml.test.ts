import test from 'ava';
import {parseYaml, parseYamlNodes, type YamlNode, yamlNodeOf} from '../../lib/core/yaml.js';

/** A node as plain data, cycles cut. */
function plain(node: YamlNode, seen: readonly YamlNode[] = []): unknown {
	if (seen.includes(node)) return '(again)';
	if (node.kind === 'scalar') return `${node.value}@${node.line}`;
	if (node.kind === 'sequence') return node.items.map(item => plain(item, [...seen, node]));
	return node.entries.map(({key, value}) => [plain(key, seen), plain(value, [...seen, node])]);
}

test('nodes have the lines where they begin, over documents, quotes, CRLF and a byte order mark', t => {
	t.deepEqual(
		parseYamlNodes('\uFEFFa: "1"\r\nb:\r\n- x\r\n- y\r\n---\r\nc: |\r\n  text\r\n').map(node => plain(node)),
		[
			[
				['a@1', '1@1'],
				['b@2', ['x@3', 'y@4']],
			],
			[['c@6', 'text\n@7']],
		],
	);
});

test('repeated keys are all kept', t => {
	t.deepEqual(
		parseYamlNodes('a: 1\na: 2\n').map(node => plain(node)),
		[
			[
				['a@1', '1@1'],
				['a@2', '2@2'],
			],
		],
	);
});

test('an alias is the node that it names, also inside itself', t => {
	const [node] = parseYamlNodes('a: &x [1, *x]\nb: *x\n');
	t.deepEqual(plain(node as YamlNode), [
		['a@1', ['1@1', '(again)']],
		['b@2', ['1@1', '(again)']],
	]);
	t.true(node?.kind === 'mapping' && node.entries[0]?.value === node.entries[1]?.value);
});

test('a text that is no YAML is refused with its line', t => {
	for (const parse of [parseYaml, parseYamlNodes])
		t.like(
			t.throws(() => parse('a: 1\nb: [\n', 'x.yaml'), {code: 'ERR_YAML', message: /^x\.yaml:\d/}),
			{details: {name: 'x.yaml'}},
		);
});

test('values become nodes that share what the values share', t => {
	const shared: Record<string, unknown> = {n: 1};
	shared.self = shared;
	const node = yamlNodeOf({a: shared, b: [shared, null, 'x']});
	t.deepEqual(plain(node), [
		[
			'a@1',
			[
				['n@1', '1@1'],
				['self@1', '(again)'],
			],
		],
		[
			'b@1',
			[
				[
					['n@1', '1@1'],
					['self@1', '(again)'],
				],
				'@1',
				'x@1',
			],
		],
	]);
});
