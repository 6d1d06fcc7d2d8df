import test from 'ava';
import {parseYaml} from '../../../lib/core/yaml.js';
import {applyConfig, type ConfigStrategy, isMeantFor} from '../../../lib/runtime/cluster/config-document.js';

const file = 'a: 1\nb: {c: [1, 2], d: x}\n';

const gives = test.macro((t, strategy: ConfigStrategy, content: string | undefined, data: string, expected: string) => {
	t.is(applyConfig(content, config(strategy, data)), expected);
});

test('override takes the place of the file', gives, 'override', file, 'new\n', 'new\n');
test('insert goes before it', gives, 'insert', file, '# first', `# first\n${file}`);
test('append goes behind it', gives, 'append', 'a: 1', 'e: 2\n', 'a: 1\ne: 2\n');
for (const strategy of ['override', 'insert', 'append', 'merge'] as const)
	test(`${strategy} makes a file that is not there`, gives, strategy, undefined, 'a: 1\n', 'a: 1\n');

const matches: Readonly<Record<string, boolean>> = {
	'': true,
	'redis:v7': true,
	'library/redis:v7': true,
	'docker.io/library/redis:v7': true,
	redis: false,
	'redis:v8': false,
	'other.example.com/redis:v7': false,
	'Not A Name': false,
};

for (const [match, expected] of Object.entries(matches)) {
	test(`a Config for ${JSON.stringify(match)} is ${expected ? '' : 'not '}meant for redis:v7`, t => {
		t.is(isMeantFor({match}, 'docker.io/library/redis:v7'), expected);
	});
}

test('merge is deep, the data counts more, lists are replaced', t => {
	const merged = applyConfig(file, config('merge', 'b: {c: [3], e: "no"}\nf: true\n'));
	t.deepEqual(parseYaml(merged), [{a: 1, b: {c: [3], d: 'x', e: 'no'}, f: true}]);
	t.is(applyConfig(merged, config('merge', 'b: {c: [3], e: "no"}\nf: true\n')), merged);
});

test('documents are merged with those in their place', t => {
	const merged = applyConfig('a: 1\n---\nb: 1\n', config('merge', 'a: 2\n---\nc: 1\n---\nd: 1\n'));
	t.deepEqual(parseYaml(merged), [{a: 2}, {b: 1, c: 1}, {d: 1}]);
});

test('what is no map cannot be merged', t => {
	t.throws(() => applyConfig('- a\n', config('merge', 'a: 1\n')), {
		code: 'ERR_CONFIG_DOCUMENT',
		message: /etc\/a\.yaml/,
	});
	t.throws(() => applyConfig('a: [', config('merge', 'a: 1\n')), {code: 'ERR_YAML'});
});

function config(strategy: ConfigStrategy, data: string): Parameters<typeof applyConfig>[1] {
	return {name: '', match: '', path: 'etc/a.yaml', strategy, data};
}
