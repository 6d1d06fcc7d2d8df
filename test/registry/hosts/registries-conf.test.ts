import test from 'ava';
import {matchRule, mergeRules, parseRegistriesConf} from '../../../lib/registry/hosts/registries-conf.js';

const file = '/etc/containers/registries.conf';

test('reads rules with their mirrors, and no short names', t => {
	const rules = parseRegistriesConf(
		`unqualified-search-registries = ["quay.io"]
short-name-mode = "enforcing"
[aliases]
"redis" = "quay.io/evil/redis"
[[registry]]
prefix = "docker.io/library"
location = "mirror.example.com:5000/hub"
insecure = true
[[registry.mirror]]
location = "one.example.com"
[[registry.mirror]]
location = "two.example.com/x"
insecure = true
pull-from-mirror = "digest-only"
[[registry]]
location = "blocked.example.com"
blocked = true
`,
		file,
	);
	t.deepEqual(rules, [
		{
			prefix: 'docker.io/library',
			location: 'mirror.example.com:5000/hub',
			insecure: true,
			blocked: false,
			mirrors: [
				{location: 'one.example.com', insecure: false, uses: ['pull', 'resolve']},
				{location: 'two.example.com/x', insecure: true, uses: ['pull']},
			],
			file,
		},
		{prefix: 'blocked.example.com', location: undefined, insecure: false, blocked: true, mirrors: [], file},
	]);
});

test('mirror-by-digest-only holds for every mirror', t => {
	const [rule] = parseRegistriesConf(
		'[[registry]]\nlocation = "a.io"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "m.io"',
		file,
	);
	t.deepEqual(rule?.mirrors, [{location: 'm.io', insecure: false, uses: ['pull']}]);
});

const rules = [
	'docker.io',
	'docker.io/library',
	'docker.io/library/redis',
	'*.example.com',
	'a.example.com',
	'h.io',
].map(prefix => ({prefix, location: undefined, insecure: false, blocked: false, mirrors: [], file}));

const matches = test.macro({
	exec(t, name: string, prefix: string | undefined, length?: number) {
		const found = matchRule(rules, name);
		t.is(found?.rule.prefix, prefix);
		t.is(found?.length, length);
	},
	title: (_, name, prefix) => `${name} is ruled by ${prefix ?? 'nothing'}`,
});

test(matches, 'docker.io/library/redis', 'docker.io/library/redis', 23);
test(matches, 'docker.io/library/redis-x', 'docker.io/library', 17);
test(matches, 'docker.io/lib', 'docker.io', 9);
test(matches, 'docker.io', 'docker.io', 9);
test(matches, 'docker.iox/a', undefined);
test(matches, 'b.example.com/a', '*.example.com', 13);
test(matches, 'b.c.example.com:5000/a', undefined);
test(matches, 'b.c.example.com/a', '*.example.com', 15);
test(matches, 'a.example.com/a', 'a.example.com', 13);
test(matches, 'example.com/a', undefined);
test(matches, 'h.io:5000/a', undefined);

test('a later file takes the place of rules with the same prefix', t => {
	const first = parseRegistriesConf('[[registry]]\nlocation = "a.io"\n[[registry]]\nlocation = "b.io"', 'one');
	const second = parseRegistriesConf('[[registry]]\nlocation = "a.io"\nblocked = true', 'two');
	t.deepEqual(
		mergeRules(first, second).map(({prefix, blocked, file: from}) => [prefix, blocked, from]),
		[
			['a.io', true, 'two'],
			['b.io', false, 'one'],
		],
	);
});

const refuses = test.macro({
	exec(t, text: string, message: RegExp) {
		const error = t.throws(() => parseRegistriesConf(text, file), {code: 'ERR_REGISTRY_CONFIG', message});
		t.true(error?.message.startsWith(`${file}: `));
	},
	title: (_, text) => `refuses ${JSON.stringify(text)}`,
});

test(refuses, '[registries.search]\nregistries = ["a"]', /version 1/);
test(refuses, '[registry]\nlocation = "a"', /write \[\[registry\]\]/);
test(refuses, '[[registry]]\nblocked = true', /neither a prefix nor a location/);
test(refuses, '[[registry]]\nlocation = "https://a.io"', /"registry\[0\]\.location" is no host/);
test(refuses, '[[registry]]\nlocation = "a.io/../b"', /is no host/);
test(refuses, '[[registry]]\nlocation = "a.io"\ninsecure = "no"', /"registry\[0\]\.insecure" is not true or false/);
test(refuses, '[[registry]]\nlocation = "a.io"\n[[registry.mirror]]\ninsecure = true', /has no location/);
test(
	refuses,
	'[[registry]]\nlocation = "a.io"\n[[registry.mirror]]\nlocation = "b.io"\npull-from-mirror = "some"',
	/is not one of all, digest-only, tag-only/,
);
test(
	refuses,
	'[[registry]]\nlocation = "a.io"\nmirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "b.io"\npull-from-mirror = "all"',
	/stands beside/,
);
