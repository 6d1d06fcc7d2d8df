import test from 'ava';
import {readSpec} from '../../lib/lb/spec.js';

test('members are enough; the rest has defaults', t => {
	t.deepEqual(readSpec({members: ['10.0.0.1', '10.0.0.2:7443']}, 'the test'), {
		address: '10.103.97.2',
		port: 6443,
		members: [
			{address: '10.0.0.1', port: 6443},
			{address: '10.0.0.2', port: 7443},
		],
		scheduler: 'rr',
		probe: {kind: 'https', path: '/readyz', intervalMs: 1000, timeoutMs: 1000},
		policy: {fall: 2, rise: 2, drainMs: 60_000},
	});
});

test('equal IPv6 addresses are one, however they are written', t => {
	const {address, members} = readSpec(
		{address: 'FD00:0::0002', members: ['[fd00::0:11]:6443', {address: 'fd00::12'}]},
		'the test',
	);
	t.is(address, 'fd00::2');
	t.deepEqual(members, [
		{address: 'fd00::11', port: 6443},
		{address: 'fd00::12', port: 6443},
	]);
});

const refused = test.macro<[string, object | string, RegExp, string?]>({
	exec(t, _, value, message, code = 'ERR_LB_SPEC') {
		t.throws(() => readSpec(value, 'the file lb.json'), {code, message});
	},
	title: (_, what) => `refused: ${what}`,
});
const members = ['10.0.0.1'];

test(refused, 'no object', 'members', /^There is no object in the file lb\.json$/);
test(refused, 'a key that nobody knows', {members, adress: '10.0.0.9'}, /"adress" is not known in the file lb\.json/);
test(refused, 'no list of members', {}, /no list as the members of the file lb\.json/);
test(refused, 'no member', {members: []}, /no members/);
test(refused, 'a member twice', {members: ['10.0.0.1', '10.0.0.1:6443']}, /10\.0\.0\.1:6443 .* twice/, 'ERR_LB_MEMBER');
test(
	refused,
	'the virtual address as a member',
	{members: ['10.103.97.2:443']},
	/10\.103\.97\.2:443 .* virtual address 10\.103\.97\.2:6443 itself/,
	'ERR_LB_MEMBER',
);
test(refused, 'both families', {members: ['fd00::1']}, /different families/, 'ERR_LB_MEMBER');
test(refused, 'a host name', {members: ['master1']}, /"master1" is no IPv4/, 'ERR_ADDRESS');
test(refused, 'a port that is none', {members: ['10.0.0.1:70000']}, /^70000 stands as the member/);
test(refused, 'a scheduler that does not exist', {members, scheduler: 'fastest'}, /"fastest"/, 'ERR_LB_SCHEDULER');
test(refused, 'a probe of another kind', {members, probe: {kind: 'icmp'}}, /"icmp"/);
test(refused, 'a path without a slash', {members, probe: {path: 'readyz'}}, /"readyz"/);
test(refused, 'a path with a line break', {members, probe: {path: '/a\r\nHost: b'}}, /asks for/);
test(refused, 'an interval that would flood', {members, probe: {intervalMs: 1}}, /^1 stands as the intervalMs/);
test(refused, 'half a failure', {members, policy: {fall: 0.5}}, /^0\.5 stands as the fall/);
