import test from 'ava';
import {systemProbe} from '../../../../lib/runtime/facts/probes/system.js';
import {defaultWanted} from '../../../../lib/runtime/facts/wanted.js';
import {answersOf} from '../../../helpers/answers.js';

const reads = test.macro({
	exec: (t, expected: object, ...lines: readonly string[]) => {
		t.like(systemProbe.read(answersOf(...lines), defaultWanted), expected);
	},
	title: (title = '') => title,
});

const amd64 = 'uname Linux x86_64';
const loader = 'library /lib64/ld-linux-x86-64.so.2';

test(
	'a machine of a name that objects have of their own is unknown',
	reads,
	{architecture: 'unknown', machine: 'constructor'},
	'uname Linux constructor',
);
test('an old ARM board', reads, {architecture: 'arm', variant: 'v6', machine: 'armv6l'}, 'uname Linux armv6l');
test(
	'32-bit programs beside 64-bit ones change nothing',
	reads,
	{architecture: 'amd64', narrowUserland: undefined},
	amd64,
	loader,
	'library /lib/ld-linux.so.2',
);
test(
	'32-bit programs alone do',
	reads,
	{architecture: '386', narrowUserland: true},
	amd64,
	'library /lib/ld-linux.so.2',
);
test(
	'a library of another architecture is not counted',
	reads,
	{libstdcxx: undefined},
	amd64,
	'library /usr/lib/aarch64-linux-gnu/libstdc++.so.6.0.33',
	'library /usr/lib32/libstdc++.so.6.0.33',
);
test(
	'of several versions the highest counts, as numbers',
	reads,
	{libstdcxx: '6.0.30'},
	amd64,
	'library /usr/lib64/libstdc++.so.6.0.9',
	'library /usr/lib64/libstdc++.so.6.0.30',
	'library /usr/lib64/libstdc++.so.6',
);
test(
	'systemd of RHEL has its release in the name',
	reads,
	{systemdVersion: 252},
	'library /usr/lib/systemd/libsystemd-shared-252-32.el9_4.so',
);
test(
	'without getconf the loader shows that there is glibc',
	reads,
	{libc: {kind: 'glibc', loader: '/lib64/ld-linux-x86-64.so.2'}},
	amd64,
	loader,
);
test('without os-release the distribution is unknown', reads, {
	distribution: {id: 'unknown', name: 'unknown', like: []},
});
test(
	'os-release of the vendor stands in where /etc has none',
	reads,
	{distribution: {id: 'clear', version: '41', name: 'Clear 41'}},
	'/usr/lib/os-release:ID=clear',
	'/usr/lib/os-release:NAME=Clear',
	'/usr/lib/os-release:VERSION_ID=41',
);
