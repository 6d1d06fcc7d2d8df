import test from 'ava';
import fc from 'fast-check';
import {isSealError} from '../../../../lib/core/errors.js';
import {parseHtpasswd} from '../../../../lib/registry/server/access/htpasswd.js';

const hash = `$2y$10$${'a'.repeat(53)}`;

test('bcrypt in all its spellings is read, comments and blank lines are passed over, the last line of a user counts', t => {
	const text = `# users\n\nalice:${hash}\r\nbob:$2a$04$${'b'.repeat(53)}\n  carol:$2b$12$${'c'.repeat(53)}  \nalice:$2b$10$${'d'.repeat(53)}`;
	t.deepEqual(
		[...parseHtpasswd(text, 'users').entries()],
		[
			['alice', `$2b$10$${'d'.repeat(53)}`],
			['bob', `$2a$04$${'b'.repeat(53)}`],
			['carol', `$2b$12$${'c'.repeat(53)}`],
		],
	);
});

const refused = test.macro({
	exec(t, line: string, message: string) {
		t.throws(() => parseHtpasswd(`# one\n${line}\n`, '/etc/users'), {
			code: 'ERR_ACCESS_FILE',
			message: `Line 2 of /etc/users ${message}`,
		});
	},
	title: (_, line: string) => `the line ${line.slice(0, 30)} is refused by its number`,
});

test(refused, 'alice', 'is not of the form USER:HASH');
test(refused, `:${hash}`, 'is not of the form USER:HASH');
test(refused, 'alice:$apr1$x$y', 'has an MD5 hash for "alice"');
test(refused, 'alice:{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs=', 'has a SHA-1 hash for "alice"');
test(refused, 'alice:$6$salt$hash', 'has a hash of crypt(3) for "alice"');
test(refused, 'alice:secret', 'has no bcrypt hash for "alice"');
test(refused, 'alice:$2y$10$short', 'has a damaged bcrypt hash for "alice"');
test(refused, `alice:$2x$10$${'a'.repeat(53)}`, 'has a damaged bcrypt hash for "alice"');
test(refused, `alice:$2y$31$${'a'.repeat(53)}`, 'has a bcrypt cost of 31; it may be from 4 to 16');

test('any text is read or refused with a line, and no secret is told', t => {
	fc.assert(
		fc.property(fc.array(fc.oneof(fc.string(), fc.constant(`u:${hash}`), fc.constant('u:hunter2'))), lines => {
			try {
				for (const value of parseHtpasswd(lines.join('\n'), 'f').values()) t.regex(value, /^\$2[aby]\$/);
			} catch (error) {
				t.true(isSealError(error) && error.code === 'ERR_ACCESS_FILE' && Number(error.details.line) >= 1);
				t.false(String(error).includes('hunter2'));
			}
		}),
	);
	t.pass();
});
