import test from 'ava';
import {isExcepted, proxyFor} from '../../lib/core/proxy.js';

const excepts = test.macro({
	exec(t, except: string, url: string, direct: boolean) {
		t.is(isExcepted(new URL(url), except), direct);
	},
	title: (_, except, url, direct) => `NO_PROXY ${JSON.stringify(except)} ${direct ? 'names' : 'does not name'} ${url}`,
});

test(excepts, '', 'https://ghcr.io/', false);
test(excepts, '*', 'https://ghcr.io/', true);
test(excepts, 'ghcr.io', 'https://ghcr.io/', true);
test(excepts, 'GHCR.io', 'https://ghcr.IO/', true);
test(excepts, 'ghcr.io', 'https://pkg.ghcr.io/', true);
test(excepts, 'ghcr.io', 'https://notghcr.io/', false);
test(excepts, '.ghcr.io', 'https://pkg.ghcr.io/', true);
test(excepts, '.ghcr.io', 'https://ghcr.io/', false);
test(excepts, '*.ghcr.io', 'https://pkg.ghcr.io/', true);
test(excepts, 'a.io, ghcr.io b.io', 'https://ghcr.io/', true);
test(excepts, 'ghcr.io:443', 'https://ghcr.io/', true);
test(excepts, 'ghcr.io:80', 'https://ghcr.io/', false);
test(excepts, 'ghcr.io:5000', 'https://ghcr.io:5000/', true);
test(excepts, '10.0.0.0/8', 'https://10.1.2.3:5000/', true);
test(excepts, '10.0.0.0/8', 'https://11.1.2.3/', false);
test(excepts, '10.0.0.0/8', 'https://10.example.com/', false);
test(excepts, '10.0.0.0/99', 'https://10.1.2.3/', false);
test(excepts, '10.1.2.3', 'https://10.1.2.3/', true);
test(excepts, '10.1.2.3:5000', 'https://10.1.2.3:5000/', true);
test(excepts, '10.1.2.3:5000', 'https://10.1.2.3/', false);
test(excepts, '1.2.3', 'https://10.1.2.3/', false);
test(excepts, 'fd00::/8', 'https://[fd12::1]:5000/', true);
test(excepts, 'fd00::1', 'https://[fd00:0:0::1]/', true);
test(excepts, '[fd00::1]:5000', 'https://[fd00::1]:5000/', true);
test(excepts, '[fd00::1]:5000', 'https://[fd00::1]/', false);
test(excepts, '', 'http://localhost:5000/', true);
test(excepts, '', 'http://registry.localhost/', true);
test(excepts, '', 'http://127.0.0.5/', true);
test(excepts, '', 'http://[::1]/', true);
test(excepts, '', 'http://127.example.com/', false);

test('a proxy is chosen by the scheme of what is asked for', t => {
	const settings = {http: 'plain:3128', https: 'http://u%40x:p%25@secure:8080'};
	t.deepEqual(proxyFor(new URL('http://ghcr.io'), settings), {origin: 'http://plain:3128'});
	t.deepEqual(proxyFor(new URL('https://ghcr.io'), settings), {
		origin: 'http://secure:8080',
		authorization: `Basic ${Buffer.from('u@x:p%').toString('base64')}`,
	});
	t.is(proxyFor(new URL('https://ghcr.io'), {http: 'plain:3128'}), undefined);
	t.is(proxyFor(new URL('https://ghcr.io'), undefined), undefined);
});

test('a proxy that is no web address is refused without showing its login', t => {
	for (const https of ['socks5://u:secret@host:1080', 'http://', 'http://u:secret@:80']) {
		const error = t.throws(() => proxyFor(new URL('https://ghcr.io'), {https}), {code: 'ERR_NETWORK'});
		t.false(JSON.stringify(error).includes('secret'));
	}
});
