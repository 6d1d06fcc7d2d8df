import test from 'ava';
import {isSealError} from '../../../lib/core/errors.js';
import {Secret} from '../../../lib/core/secret.js';
import {parseHostList, resolveHosts, withRoles} from '../../../lib/runtime/host/list.js';

const reads = test.macro<
	[text: string, hosts: ReadonlyArray<readonly [name: string, user?: string | undefined, port?: number]>]
>({
	exec(t, text, hosts) {
		t.deepEqual(
			resolveHosts(parseHostList(text)).map(({name, login}) => [name, login.user, login.port]),
			hosts.map(([name, user, port]) => [name, user, port]),
		);
	},
	title: (_, text) => `hosts are read from ${JSON.stringify(text)}`,
});

test(reads, '10.0.0.5', [['10.0.0.5']]);
test(reads, 'ops@10.0.0.5:2222', [['10.0.0.5', 'ops', 2222]]);
test(reads, 'web-1.example.com,db', [['web-1.example.com'], ['db']]);
test(reads, 'domain@user@host', [['host', 'domain@user']]);
test(reads, '[fd00::5]:22 fd00:0:0::6', [['fd00::5', undefined, 22], ['fd00::6']]);
test(reads, 'ops@[fe80::1%eth0]', [['fe80::1%eth0', 'ops']]);
test(reads, '10.0.0.254-10.0.1.1', [['10.0.0.254'], ['10.0.0.255'], ['10.0.1.0'], ['10.0.1.1']]);
test(reads, 'ops@10.0.0.5-7:2222', [
	['10.0.0.5', 'ops', 2222],
	['10.0.0.6', 'ops', 2222],
	['10.0.0.7', 'ops', 2222],
]);
test(reads, 'fd00::fffe-fd00::1:0', [['fd00::fffe'], ['fd00::ffff'], ['fd00::1:0']]);
test(reads, '[fd00::1-fd00::2]:22', [
	['fd00::1', undefined, 22],
	['fd00::2', undefined, 22],
]);
test(reads, '# rack 1\na # first\n\n b,c\n', [['a'], ['b'], ['c']]);
test(reads, '127.0.0.1:2201,127.0.0.1:2202,[::1]:2201,[::1]:2202', [
	['127.0.0.1:2201', undefined, 2201],
	['127.0.0.1:2202', undefined, 2202],
	['[::1]:2201', undefined, 2201],
	['[::1]:2202', undefined, 2202],
]);
test(reads, 'local', [['local']]);

const refuses = test.macro<[text: string, code: string, message: RegExp]>({
	exec(t, text, code, message) {
		const error = t.throws(() => resolveHosts(parseHostList(text)));
		t.true(isSealError(error) && error.code === code && error.hint !== undefined, String(error));
		t.regex(error.message, message);
	},
	title: (_, text, code) => `${JSON.stringify(text.slice(0, 40))} is refused with ${code}`,
});

test(refuses, '', 'ERR_HOSTS_MISSING', /No host/);
test(refuses, ' # nobody', 'ERR_HOSTS_MISSING', /No host/);
test(refuses, '10.0.0.0/24', 'ERR_HOST_INVALID', /a network is not a list of hosts/);
test(refuses, '10.0.0.256', 'ERR_HOST_INVALID', /no IPv4 address/);
test(refuses, '10.0.0', 'ERR_HOST_INVALID', /no IPv4 address/);
test(refuses, '10.0.0.05', 'ERR_HOST_INVALID', /no IPv4 address/);
test(refuses, 'fd00::g', 'ERR_HOST_INVALID', /no IPv6 address/);
test(refuses, 'host:0', 'ERR_HOST_INVALID', /port/);
test(refuses, 'host:65536', 'ERR_HOST_INVALID', /port/);
test(refuses, 'host:ssh', 'ERR_HOST_INVALID', /port/);
test(refuses, '@host', 'ERR_HOST_INVALID', /user/);
test(refuses, '-l@host', 'ERR_HOST_INVALID', /user/);
test(refuses, '-oProxyCommand=x', 'ERR_HOST_INVALID', /neither a name nor an address/);
test(refuses, 'ho$(st)', 'ERR_HOST_INVALID', /neither/);
test(refuses, `${'a'.repeat(300)}`, 'ERR_HOST_INVALID', /neither/);
test(refuses, '10.0.0.5-10.0.0.2', 'ERR_HOST_RANGE', /ends before it begins/);
test(refuses, '10.0.0.5-2', 'ERR_HOST_RANGE', /ends before it begins/);
test(refuses, '10.0.0.5-fd00::1', 'ERR_HOST_RANGE', /IPv6/);
test(refuses, '10.0.0.5-10.0.0.256', 'ERR_HOST_RANGE', /IPv4/);
test(refuses, '10.0.0.0-10.255.0.0', 'ERR_HOST_RANGE', /is the most/);
test(refuses, '10.0.0.0-10.0.60.0,10.1.0.0-10.1.60.0', 'ERR_HOST_RANGE', /more than 16384/);
test(refuses, 'fe80::1%eth0-fe80::2%eth0', 'ERR_HOST_RANGE', /zone/);
test(refuses, '10.0.0.1-3,10.0.0.3', 'ERR_HOST_DUPLICATE', /10\.0\.0\.3 is named more than once/);
test(refuses, 'a,ops@a', 'ERR_HOST_DUPLICATE', /a is named/);
test(refuses, 'web,WEB:22', 'ERR_HOST_DUPLICATE', /WEB is named/);
test(refuses, 'fd00::1,fd00:0::1', 'ERR_HOST_DUPLICATE', /fd00::1 is named/);

test('a login of the list counts more than that for all hosts', t => {
	const password = new Secret('x');
	const hosts = resolveHosts(parseHostList('a,root@b:23'), {user: 'ops', port: 22, password});
	t.deepEqual(
		hosts.map(host => host.login),
		[
			{user: 'ops', port: 22, password},
			{user: 'root', port: 23, password},
		],
	);
});

test('roles choose hosts, and a role that nobody has is refused', t => {
	const hosts = [...parseHostList('a', ['master']), ...parseHostList('b,c', ['node'])];
	const names = (roles: readonly string[]): readonly string[] => withRoles(hosts, roles).map(host => host.address);
	t.deepEqual(names([]), ['a', 'b', 'c']);
	t.deepEqual(names(['node']), ['b', 'c']);
	t.deepEqual(names(['node', 'master']), ['a', 'b', 'c']);
	const error = t.throws(() => names(['etcd']), {message: /No host has the role "etcd"/});
	t.true(isSealError(error) && error.code === 'ERR_HOSTS_MISSING' && error.hint === 'Use one of master, node.');
});
