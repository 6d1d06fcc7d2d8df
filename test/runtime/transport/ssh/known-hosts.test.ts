import {randomBytes} from 'node:crypto';
import test from 'ava';
import {KnownHosts, keyType, knownHostsLine, knownName} from '../../../../lib/runtime/transport/ssh/known-hosts.js';
import {generateKey} from '../../../helpers/ssh-server.js';

const key = generateKey();
const encoded = key.blob.toString('base64');

function known(text: string): KnownHosts {
	const hosts = new KnownHosts();
	hosts.read(text, 'known_hosts');
	return hosts;
}

test('finds a host by any of its names, in any case', t => {
	const hosts = known(`# comment\n\nWeb,10.0.0.5,fd00::5 ssh-ed25519 ${encoded} a comment\n`);
	for (const name of ['web', '10.0.0.5', 'fd00::5']) t.is(hosts.find(name)[0]?.line, 3);
	t.deepEqual(hosts.find('other'), []);
});

test('finds a host by patterns, and not when one takes it out', t => {
	const hosts = known(`*.example,!b.example ssh-ed25519 ${encoded}\n`);
	t.is(hosts.find('a.example').length, 1);
	t.is(hosts.find('b.example').length, 0);
});

test('finds a host by the hash of its name', t => {
	const hosts = known(knownHostsLine('[web]:2222', key.blob, randomBytes(20)));
	t.is(hosts.find('[web]:2222').length, 1);
	t.is(hosts.find('web').length, 0);
});

// Written by ssh-keygen -H of OpenSSH 9.2.
test('reads the hashes of OpenSSH', t => {
	const hosts = known(
		`|1|Z6StgbOx/JVNiXlJcA9rTg2JbQI=|wFCi43/4sVEY235W1YwBeu6XnKk= ssh-ed25519 ${encoded}\n|1|!!|?? ssh-ed25519 ${encoded}\n`,
	);
	t.is(hosts.find('web.example')[0]?.line, 1);
	t.is(hosts.find('web').length, 0);
});

test('finds several keys of a host', t => {
	const rsa = generateKey('rsa');
	const hosts = known(`web ssh-ed25519 ${encoded}\nweb ssh-rsa ${rsa.blob.toString('base64')}\n`);
	t.deepEqual(
		hosts.find('web').map(({type}) => type),
		['ssh-ed25519', 'ssh-rsa'],
	);
});

test('a revoked key is known as such for the hosts it is revoked for', t => {
	const hosts = known(`@revoked *.example ssh-ed25519 ${encoded}\n`);
	t.is(hosts.revocation('a.example', key.blob)?.line, 1);
	t.is(hosts.revocation('a.org', key.blob), undefined);
	t.is(hosts.revocation('a.example', generateKey().blob), undefined);
	t.deepEqual(hosts.find('a.example'), []);
});

test('lines that make no sense are passed over', t => {
	const hosts = known(`web\nweb ssh-ed25519\nweb ssh-ed25519 !!!\n@unknown web ssh-ed25519 ${encoded}\n\u0000\n`);
	t.deepEqual(hosts.find('web'), []);
});

test('names have a port when it is not the usual one', t => {
	t.is(knownName('Web', 22), 'web');
	t.is(knownName('fd00::5', 2222), '[fd00::5]:2222');
});

test('the type of a key is what it names first', t => {
	t.is(keyType(key.blob), 'ssh-ed25519');
	t.is(keyType(Buffer.from([255, 255, 255, 255, 1])), '');
	t.is(keyType(Buffer.alloc(2)), '');
});
