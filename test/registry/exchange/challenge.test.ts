import test from 'ava';
import fc from 'fast-check';
import {parseChallenges} from '../../../lib/registry/exchange/challenge.js';

const reads = test.macro({
	exec(t, header: string | undefined, expected: readonly {scheme: string; parameters: Record<string, string>}[]) {
		t.deepEqual(
			parseChallenges(header).map(({scheme, parameters}) => ({scheme, parameters: {...parameters}})),
			[...expected],
		);
	},
	title: (_, header) => `reads ${JSON.stringify(header)}`,
});

test(reads, undefined, []);
test(reads, '', []);
test(reads, 'Basic realm="a"', [{scheme: 'basic', parameters: {realm: 'a'}}]);
test(
	reads,
	'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
	[
		{
			scheme: 'bearer',
			parameters: {
				realm: 'https://auth.docker.io/token',
				service: 'registry.docker.io',
				scope: 'repository:a/b:pull,push',
			},
		},
	],
);
test(reads, 'BEARER Realm = "x" , SERVICE=y', [{scheme: 'bearer', parameters: {realm: 'x', service: 'y'}}]);
test(reads, 'Basic realm="a, b", Bearer realm="c", error="insufficient_scope"', [
	{scheme: 'basic', parameters: {realm: 'a, b'}},
	{scheme: 'bearer', parameters: {realm: 'c', error: 'insufficient_scope'}},
]);
test(reads, 'Basic realm="say \\"hi\\" \\\\"', [{scheme: 'basic', parameters: {realm: 'say "hi" \\'}}]);
test(reads, 'Negotiate, Basic realm="a"', [
	{scheme: 'negotiate', parameters: {}},
	{scheme: 'basic', parameters: {realm: 'a'}},
]);
test(reads, 'Basic', [{scheme: 'basic', parameters: {}}]);
test(reads, ', ,Basic realm=a,,', [{scheme: 'basic', parameters: {realm: 'a'}}]);

test('never throws and ends for any header', t => {
	fc.assert(
		fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z ,="\\]{0,200}$/)), header => {
			t.true(Array.isArray(parseChallenges(header)));
		}),
	);
	t.true(Array.isArray(parseChallenges('a="'.repeat(100_000))));
});
