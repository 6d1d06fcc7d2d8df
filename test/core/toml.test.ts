import test from 'ava';
import {parseToml} from '../../lib/core/toml.js';

test('reads tables in the order of the text', t => {
	const document = parseToml('server = "a"\n[host."https://z"]\nx = 1\n[host."https://a"]\nx = [1, 2]\n');
	t.is(document.server, 'a');
	t.deepEqual(Object.keys(document.host as object), ['https://z', 'https://a']);
});

test('what is no TOML is refused with file and line', t => {
	t.throws(() => parseToml('a = 1\nb = \n', 'hosts.toml'), {
		code: 'ERR_TOML',
		message: /^hosts\.toml:2 is not valid TOML: /,
	});
	t.throws(() => parseToml('a = 1\na = 2', 'x'), {code: 'ERR_TOML'});
	t.throws(() => parseToml(`a = ${'['.repeat(5000)}`, 'x'), {code: 'ERR_TOML'});
});
