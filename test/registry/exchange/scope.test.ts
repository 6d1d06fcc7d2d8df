import test from 'ava';
import {coversScopes, formatScopes, mergeScopes, parseScopes} from '../../../lib/registry/exchange/scope.js';

test('scopes are read with ports in names, merged, and printed one text a resource', t => {
	t.deepEqual(formatScopes(parseScopes('repository:a/b:pull,push registry:catalog:*')), [
		'repository:a/b:pull,push',
		'registry:catalog:*',
	]);
	t.deepEqual(formatScopes(parseScopes('repository:host:5000/a:pull repository:host:5000/a:push')), [
		'repository:host:5000/a:pull,push',
	]);
	t.deepEqual(formatScopes(parseScopes('rubbish  :x')), []);
	t.deepEqual(
		formatScopes(mergeScopes(parseScopes('repository:a:pull'), parseScopes('repository:a:push repository:b:pull'))),
		['repository:a:pull,push', 'repository:b:pull'],
	);
});

const covers = test.macro({
	exec(t, granted: string, wanted: string, expected: boolean) {
		t.is(coversScopes(parseScopes(granted), parseScopes(wanted)), expected);
	},
	title: (_, granted, wanted, expected) => `"${granted}" ${expected ? 'covers' : 'does not cover'} "${wanted}"`,
});

test(covers, 'repository:a:pull,push', 'repository:a:pull', true);
test(covers, 'repository:a:pull', 'repository:a:pull,push', false);
test(covers, 'repository:a:*', 'repository:a:delete', true);
test(covers, 'repository:a:pull repository:b:pull', 'repository:b:pull', true);
test(covers, 'repository:a:pull', 'repository:ab:pull', false);
test(covers, 'repository:a:pull', '', true);
