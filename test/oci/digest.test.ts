import test from 'ava';
import {algorithmOf, createDigester, digestOf, hexOf, isDigest, parseDigest} from '../../lib/oci/digest.js';

const empty = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

test('the digest of bytes, at once and in pieces', t => {
	t.is(digestOf(''), empty);
	const digester = createDigester('sha512');
	digester.update(Buffer.from('hel'));
	digester.update(Buffer.from('lo'));
	t.is(digester.sizeBytes, 5);
	const digest = digester.finish();
	t.is(digest, digestOf('hello', 'sha512'));
	t.is(algorithmOf(digest), 'sha512');
	t.is(hexOf(digest).length, 128);
});

const refuses = test.macro({
	exec(t, value: unknown) {
		t.false(isDigest(value));
		t.throws(() => parseDigest(value), {code: 'ERR_DIGEST_INVALID', message: /is not a sha256 or sha512 digest/});
	},
	title: (_, value) => `refuses ${JSON.stringify(value)}`,
});

test(refuses, undefined);
test(refuses, '');
test(refuses, 7);
test(refuses, empty.slice(0, -1));
test(refuses, `${empty}0`);
test(refuses, empty.toUpperCase());
test(refuses, empty.replace('sha256', 'sha512'));
test(refuses, empty.replace('sha256', 'md5'));
test(refuses, `${empty}\n`);
test(refuses, 'sha256:../../../../etc/passwd');

test('reads a digest', t => {
	t.is(parseDigest(empty), empty);
});
