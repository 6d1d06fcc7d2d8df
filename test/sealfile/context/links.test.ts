import test from 'ava';
import {followLinks} from '../../../lib/sealfile/context/links.js';

const links: Readonly<Record<string, string>> = {
	'to-dir': 'dir',
	absolute: '/dir/sub',
	escape: '../../../../etc',
	'dir/up': '..',
	dangling: 'nowhere/deep',
	'loop-a': 'loop-b',
	'loop-b': 'loop-a',
	chain: 'to-dir/file',
};

const leading = test.macro({
	exec(t, path: string, expected: string, followLast?: boolean) {
		t.is(
			followLinks(path, at => links[at], followLast === undefined ? {} : {followLast}),
			expected,
		);
	},
	title: (_, path, expected, followLast) =>
		`${path} leads to "${expected}"${followLast === false ? ' unless followed at the end' : ''}`,
});

test(leading, '/', '');
test(leading, 'dir/./file/', 'dir/file');
test(leading, 'to-dir/file', 'dir/file');
test(leading, 'absolute/x', 'dir/sub/x');
test(leading, 'escape/passwd', 'etc/passwd');
test(leading, 'dir/up/up/x', 'up/x');
test(leading, '../../x', 'x');
test(leading, 'dangling/x', 'nowhere/deep/x');
test(leading, 'chain', 'dir/file');
test(leading, 'to-dir', 'to-dir', false);
test(leading, 'to-dir/to-dir', 'dir/to-dir', false);

test('a loop of links is refused', t => {
	t.throws(() => followLinks('loop-a/x', at => links[at]), {code: 'ERR_SYMLINK_LOOP'});
});
