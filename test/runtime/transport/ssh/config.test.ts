import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {loadConfig} from '../../../../lib/runtime/transport/ssh/config/load.js';
import {parseConfig} from '../../../../lib/runtime/transport/ssh/config/parse.js';
import {matchesPattern, matchesPatterns} from '../../../../lib/runtime/transport/ssh/config/patterns.js';
import {type HostSettings, hostSettings} from '../../../../lib/runtime/transport/ssh/config/settings.js';
import {tempDir, writeFiles} from '../../../helpers/temp-dir.js';

const operator = {user: 'ann', home: '/home/ann', agent: '/run/agent'};

interface SettingsCase {
	readonly config: string;
	readonly host?: string;
	readonly given?: {readonly user?: string; readonly port?: number};
	readonly expected: Partial<HostSettings>;
}

const settles = test.macro((t: ExecutionContext, {config, host = 'web', given, expected}: SettingsCase) => {
	const settings = hostSettings([parseConfig(config, 'config')], host, operator, given);
	t.like(settings, expected);
});

test('a host without any line has the defaults of OpenSSH', settles, {
	config: '',
	expected: {hostName: 'web', user: 'ann', port: undefined, identityFiles: [], jumps: [], hostKey: undefined},
});
test('the first value that fits counts', settles, {
	config: 'Host web\n  User bob\n  Port 2222\nHost *\n  User carl\n  Port 22\n',
	expected: {user: 'bob', port: 2222},
});
test('keywords are read in any case, with blanks, tabs, = and quotes', settles, {
	config: 'HOST "web"\n\tuSER="bob the builder"\n\tport =\t2222 # of the proxy\n',
	expected: {user: 'bob the builder', port: 2222},
});
test('a pattern with ! takes a host out of a block', settles, {
	config: 'Host * !web\n  User bob\nHost w?b\n  Port 2222\n',
	expected: {user: 'ann', port: 2222},
});
test('what the caller says goes before the files', settles, {
	config: 'Host *\n  User bob\n  Port 2222\n',
	given: {user: 'root', port: 22},
	expected: {user: 'root', port: 22},
});
test('HostName takes the name that was given', settles, {
	config: 'Host web\n  HostName %h.example.org\n',
	expected: {hostName: 'web.example.org'},
});
test('identities add up, with tokens and the home folder', settles, {
	config:
		'IdentityFile ~/.ssh/%r@%h\nIdentityFile %d/keys/%n-%p\nIdentityFile /etc/key%%1\nIdentitiesOnly yes\nHostName web.org\n',
	expected: {
		identityFiles: ['/home/ann/.ssh/ann@web.org', '/home/ann/keys/web-22', '/etc/key%1'],
		identitiesOnly: true,
	},
});
test('jump hosts are a list', settles, {
	config: 'ProxyJump a@one:2222,two\n',
	expected: {jumps: ['a@one:2222', 'two']},
});
test('ProxyJump none ends a list of later blocks', settles, {
	config: 'Host web\n  ProxyJump none\nHost *\n  ProxyJump bastion\n',
	expected: {jumps: []},
});
test('ProxyJump before ProxyCommand makes the latter mean nothing', settles, {
	config: 'ProxyJump bastion\nProxyCommand nc %h %p\n',
	expected: {jumps: ['bastion']},
});
test('the agent may be named, be that of the environment, or be none', settles, {
	config: 'IdentityAgent ~/agent.sock\n',
	expected: {agent: '/home/ann/agent.sock'},
});
test('IdentityAgent SSH_AUTH_SOCK is that of the environment', settles, {
	config: 'IdentityAgent SSH_AUTH_SOCK\n',
	expected: {agent: '/run/agent'},
});
test('IdentityAgent none is none', settles, {config: 'IdentityAgent none\n', expected: {agent: false}});
test('StrictHostKeyChecking yes is strict', settles, {
	config: 'StrictHostKeyChecking yes\n',
	expected: {hostKey: 'strict'},
});
test('StrictHostKeyChecking no checks nothing', settles, {
	config: 'StrictHostKeyChecking no\n',
	expected: {hostKey: 'off'},
});
test('StrictHostKeyChecking ask takes new hosts', settles, {
	config: 'StrictHostKeyChecking ask\n',
	expected: {hostKey: 'accept-new'},
});
test('files of known hosts, aliases and families are followed', settles, {
	config:
		'UserKnownHostsFile ~/a /b\nGlobalKnownHostsFile none\nHostKeyAlias Web1\nHashKnownHosts yes\nAddressFamily inet6\nConnectTimeout 7\n',
	expected: {
		knownHostsFiles: ['/home/ann/a', '/b'],
		globalKnownHostsFiles: [],
		hostKeyAlias: 'Web1',
		hashKnownHosts: true,
		family: 6,
		connectTimeoutMs: 7000,
	},
});
test('Match holds when all of its criteria do', settles, {
	config:
		'Match originalhost web user bob\n  Port 1\nMatch host *.org,w* localuser ann !user bob\n  Port 2\nMatch all\n  Port 3\n',
	expected: {port: 2},
});
test('Match host sees the name that HostName gave', settles, {
	config: 'HostName web.org\nMatch host web\n  Port 1\nMatch host web.org\n  Port 2\n',
	expected: {port: 2},
});

test('what is not followed and matters is told, what says the usual is not', t => {
	const config =
		'Match exec "true"\n  Port 1\nMatch all\nCertificateFile ~/cert\nServerAliveInterval 5\nCanonicalizeHostname no\nPasswordAuthentication no\nPubkeyAuthentication yes\n';
	const {unfollowed, port} = hostSettings([parseConfig(config, 'config')], 'web', operator);
	t.is(port, undefined);
	t.deepEqual(
		unfollowed.map(({keyword, line}) => `${line} ${keyword}`),
		['1 match', '4 certificatefile', '7 passwordauthentication'],
	);
});

test('policies of a distribution are not told', t => {
	const lines = parseConfig('Ciphers aes256-gcm@openssh.com\nMatch exec "true"\n', '/etc/ssh/ssh_config.d/policy.conf');
	t.deepEqual(hostSettings([lines], 'web', operator).unfollowed, []);
});

const isRefused = test.macro((t: ExecutionContext, config: string, message: RegExp) => {
	const error = t.throws(() => hostSettings([parseConfig(config, '/c')], 'web', operator), {
		code: 'ERR_SSH_CONFIG',
	} as never);
	t.regex(error.message, message);
});

test(
	'ProxyCommand is refused, not passed over',
	isRefused,
	'Host *\n ProxyCommand nc %h %p\n',
	/^proxycommand cannot be followed, in line 2 of \/c$/,
);
test(
	'RevokedHostKeys is refused, not passed over',
	isRefused,
	'RevokedHostKeys /k\n',
	/^revokedhostkeys cannot be followed/,
);
test('a token that is not known is told', isRefused, 'IdentityFile %C\n', /^The token %C is not known here, in line 1/);
test('a variable of the environment is told', isRefused, 'IdentityFile ${HOME}/key\n', /^Variables of the environment/);
test('an open quotation mark is told', isRefused, 'User "bob\n', /^A quotation mark is not closed/);
test('a port that is none is told', isRefused, 'Port 99999\n', /^Expected a port from 1 to 65535/);
test('a line without a keyword is told', isRefused, '= x\n', /^Expected a keyword and its value, in line 1 of \/c$/);

test('included files stand where they are named, inside of their block', async t => {
	const home = tempDir(t);
	writeFiles(home, {
		'.ssh/config': 'Host web\n  Include conf.d/*.conf\n  User late\nHost *\n  Port 22\n',
		'.ssh/conf.d/10-a.conf': 'Port 2222\nHost other\n  User never\n',
		'.ssh/conf.d/20-b.conf': 'User bob\n',
		'.ssh/conf.d/.hidden.conf': 'User hidden\n',
		second: 'IdentityFile /second\n',
	});
	const config = await loadConfig([join(home, '.ssh/config'), join(home, 'absent'), join(home, 'second')], home);
	t.like(hostSettings(config, 'web', operator), {port: 2222, user: 'bob', identityFiles: ['/second']});
	t.like(hostSettings(config, 'other', operator), {port: 22, user: 'ann'});
});

test('files that include each other are told', async t => {
	const home = tempDir(t);
	writeFiles(home, {'.ssh/config': 'Include config\n'});
	await t.throwsAsync(loadConfig([join(home, '.ssh/config')], home), {code: 'ERR_SSH_CONFIG', message: /too deeply/});
});

test('a file that cannot be a configuration is not read', async t => {
	const home = tempDir(t);
	writeFiles(home, {config: '#'.repeat(1024 * 1024 + 1)});
	await t.throwsAsync(loadConfig([join(home, 'config')], home), {code: 'ERR_SSH_CONFIG', message: /longer than/});
});

test('patterns match as those of OpenSSH', t => {
	t.true(matchesPattern('10.0.0.5', '10.0.?.*'));
	t.false(matchesPattern('10.0.10.5', '10.0.?.5'));
	t.true(matchesPattern('', '*'));
	t.false(matchesPattern('a', ''));
	t.true(matchesPatterns('a.example', ['*.example', '!b.example']));
	t.false(matchesPatterns('b.example', ['*.example', '!b.example']));
	t.false(matchesPatterns('c', ['!b']));
	t.false(matchesPattern('a'.repeat(2000), `${'*a'.repeat(500)}*b`));
});
