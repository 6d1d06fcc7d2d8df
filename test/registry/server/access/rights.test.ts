import test from 'ava';
import fc from 'fast-check';
import {allRights, isAllowed, parsePattern, pullRights} from '../../../../lib/registry/server/access/rights.js';

const matching = test.macro({
	exec(t, pattern: string, yes: readonly string[], no: readonly string[]) {
		const parsed = parsePattern(pattern);
		t.deepEqual(
			[...yes, ...no].filter(name => parsed?.matches(name)),
			yes,
		);
	},
	title: (_, pattern) => `the pattern ${pattern} matches whole names`,
});

test(matching, 'shop/web', ['shop/web'], ['shop/webx', 'shop', 'x/shop/web']);
test(matching, 'shop/*', ['shop/web', 'shop/api-2'], ['shop', 'shop/web/x', 'shopx/web']);
test(matching, 'shop/**', ['shop/web', 'shop/web/x'], ['shop', 'shopx/web']);
test(matching, '*', ['shop'], ['shop/web']);
test(matching, '**', ['shop', 'shop/web/x'], []);
test(matching, '**/web', ['shop/web', 'a/b/web'], ['web', 'shop/web2']);
test(matching, 'docker.io/**', ['docker.io/library/redis'], ['dockerxio/library/redis']);
test(matching, 'a*b*c', ['abc', 'aXbXc', 'abbcc'], ['ab', 'abcx', 'a/b/c']);

test('text that can match no repository is no pattern', t => {
	for (const text of ['', 'Shop', 'a b', '/x', '***', 'a?', 'x'.repeat(300)]) t.is(parsePattern(text), undefined, text);
});

test('patterns mean what a regular expression for them means', t => {
	const texts = fc.stringMatching(/^[ab/*]{1,8}$/).filter(text => parsePattern(text) !== undefined);
	fc.assert(
		fc.property(texts, fc.stringMatching(/^[ab/]{0,8}$/), (text, name) => {
			const source = text.replace(/\*\*|\*/g, star => (star === '**' ? '.*' : '[^/]*'));
			return parsePattern(text)?.matches(name) === new RegExp(`^${source}$`).test(name);
		}),
	);
	t.pass();
});

test('push and delete include pull, and the catalog is for those who may pull everything', t => {
	const pattern = parsePattern('shop/*');
	const rights = {pull: [], push: pattern === undefined ? [] : [pattern], delete: [], catalog: false};
	t.true(isAllowed(rights, 'pull', 'shop/web'));
	t.false(isAllowed(rights, 'delete', 'shop/web'));
	t.false(isAllowed(rights, 'pull', 'base'));
	t.false(isAllowed(rights, 'pull', undefined), 'a mount from anywhere reads everything');
	t.false(isAllowed(rights, 'catalog', undefined));
	t.true(isAllowed(rights, 'ping', undefined));
	t.true(isAllowed(pullRights, 'catalog', undefined));
	t.false(isAllowed(pullRights, 'push', 'shop/web'));
	t.true(isAllowed(allRights, 'delete', 'shop/web'));
});
