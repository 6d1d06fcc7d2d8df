import test from 'ava';
import {portsProbe} from '../../../../lib/runtime/facts/probes/ports.js';
import {defaultWanted} from '../../../../lib/runtime/facts/wanted.js';
import {answersOf} from '../../../helpers/answers.js';

const socket = (slot: string, local: string, inode: number): string =>
	`${slot} ${local} 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 100 0 0 10 0`;

const read = (...lines: readonly string[]): ReturnType<typeof portsProbe.read> =>
	portsProbe.read(answersOf(...lines), defaultWanted);

test('ss names the owner where there are too many processes to look through', t => {
	t.deepEqual(
		read(
			`/proc/net/tcp:${socket('   0:', '00000000:0016', 1173)}`,
			`/proc/net/tcp:${socket('   1:', '00000000:0050', 1200)}`,
			'ss tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=812,fd=3),("x",pid=1,fd=4)) ino:1173 sk:1 cgroup:/system.slice/ssh.service <->',
			'ss tcp LISTEN 0 128 0.0.0.0:80 0.0.0.0:* users:(("a"b),(c",pid=9,fd=3)) ino:1200 sk:2',
		),
		[
			{protocol: 'tcp', address: '0.0.0.0', port: 22, uid: 0, pid: 812, process: 'sshd', unit: 'ssh.service'},
			{protocol: 'tcp', address: '0.0.0.0', port: 80, uid: 0, pid: 9, process: 'a"b),(c'},
		],
	);
});

test('a slot of five digits leaves no space before it', t => {
	t.like(read(`/proc/net/tcp:${socket('12345:', '0100007F:1F90', 7)}`), [{address: '127.0.0.1', port: 8080}]);
});

test('the process that handed a socket down is its owner', t => {
	const [port] = read(
		`/proc/net/tcp:${socket('0:', '00000000:0016', 5)}`,
		'owner 1000 [5]',
		'owner 30 [5]',
		'/proc/30/comm:master',
		'/proc/1000/comm:worker',
	);
	t.like(port, {pid: 30, process: 'master'});
});

test('one port of one address is told once, and lines that are none are passed over', t => {
	const line = `/proc/net/udp:${socket('0:', '00000000:0035', 5)}`;
	t.is(read(line, line, '/proc/net/udp:', '/proc/net/tcp6:x y z', '/proc/net/tcp:0: 00000000:0000 x').length, 1);
});
