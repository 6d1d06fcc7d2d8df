import {readFileSync} from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import {isSealError} from '../../../../lib/core/errors.js';
import {parseTokenFile} from '../../../../lib/registry/server/access/token-file.js';
import {tokenHash} from '../../../helpers/server-access.js';

const hash = tokenHash('s3cret');

test('a token file gives names, hashes, rights and expiry', t => {
	const [ci, node] = parseTokenFile(
		`# ours\n- name: ci\n  hash: ${hash}\n  pull: '**'\n  push: [shop/**, base]\n  expires: 2027-01-31\n- {name: node, hash: '${hash}', pull: [shop/*], expires: 2027-01-31T10:00:00Z}\n`,
		'tokens.yaml',
	);
	t.is(ci?.name, 'ci');
	t.is(ci?.hash.toString('hex'), hash.slice(7));
	t.deepEqual(
		ci?.rights.push.map(({text}) => text),
		['shop/**', 'base'],
	);
	t.true(ci?.rights.catalog);
	t.is(ci?.expiresAtMs, Date.parse('2027-01-31T23:59:59.999Z'));
	t.false(node?.rights.catalog);
	t.is(node?.expiresAtMs, Date.parse('2027-01-31T10:00:00Z'));
	t.deepEqual(parseTokenFile('', 'empty'), []);
});

test('the example of the documentation is a token file', t => {
	const example = /```yaml\n([\s\S]*?)```/.exec(readFileSync('docs/serve.md', 'utf8'))?.[1] ?? '';
	const [token] = parseTokenFile(example.replace('sha256:0f2d...', hash), 'serve.md');
	t.is(token?.name, 'ci');
	t.true(token?.rights.catalog);
});

const refused = test.macro({
	exec(t, text: string, message: string) {
		t.throws(() => parseTokenFile(text, 'f'), {code: 'ERR_ACCESS_FILE', message});
	},
	title: (_, text: string, message: string) => `${message} (${JSON.stringify(text.slice(0, 20))})`,
});

test(refused, 'name: ci', 'Line 1 of f is not the start of a list of tokens');
test(refused, '- ci', 'Line 1 of f is no token with name and hash');
test(refused, `- hash: ${hash}`, 'Line 1 of f has a token without a name');
test(refused, '- name: ci', 'Line 1 of f has a token without a hash');
test(refused, '- name: ci\n  hash: s3cret', 'Line 1 of f has a token "ci" whose hash is not of the form sha256:HEX');
test(
	refused,
	`- name: "c:i"\n  hash: ${hash}`,
	'Line 1 of f has a name that is not made of letters, digits and "._@-"',
);
test(
	refused,
	`- name: ci\n  hash: ${hash}\n  pul: x`,
	'Line 3 of f has "pul" where one of name, hash, pull, push, delete, expires may stand',
);
test(refused, `- name: ci\n  name: x\n  hash: ${hash}`, 'Line 2 of f gives name a second time');
test(
	refused,
	`- name: ci\n  hash: ${hash}\n  pull: [a, B]`,
	'Line 3 of f has something that is no pattern of repository names, such as shop/* or shop/**',
);
test(
	refused,
	`- name: ci\n  hash: ${hash}\n  expires: soon`,
	'Line 3 of f has an expiry that is no date such as 2027-01-31',
);
test(refused, `- name: ci\n  hash: ${hash}\n- name: ci\n  hash: ${hash}`, 'Line 3 of f names a second token "ci"');

test('any text is read or refused, and no secret is told', t => {
	const part = fc.constantFrom(
		'- ',
		'name: ',
		'hash: ',
		hash,
		'hunter2',
		'\n',
		'  ',
		'pull: ',
		'[',
		']',
		'*',
		'&a ',
		'*a',
		':',
		'x',
	);
	fc.assert(
		fc.property(fc.array(part, {maxLength: 30}), parts => {
			try {
				parseTokenFile(parts.join(''), 'f');
			} catch (error) {
				t.true(isSealError(error) && (error.code === 'ERR_ACCESS_FILE' || error.code === 'ERR_YAML'), String(error));
			}
		}),
		{numRuns: 2000},
	);
	t.pass();
});
