import {setTimeout as sleep} from 'node:timers/promises';
import {bootHosts, cable, crash, onHost} from '../lab/hosts.js';
import {onLabHosts} from './lab-test.js';

// The ground that the other cluster tests stand on.
const labTest = onLabHosts(['lab-a', 'lab-b']);

labTest('each host is a machine of its own under systemd', async (t, hosts) => {
	const ids = hosts.map(host =>
		onHost(host.name, 'cat /etc/machine-id; cat /proc/1/comm; hostname').trim().split('\n'),
	);
	t.deepEqual(
		ids.map(([, init, name]) => [init, name]),
		[
			['systemd', 'lab-a'],
			['systemd', 'lab-b'],
		],
	);
	t.not(ids[0]?.[0], ids[1]?.[0]);
});

labTest('a power cut keeps what was flushed and nothing else is promised', async (t, [host]) => {
	onHost(host.name, 'echo kept > /kept; sync; head -c 50000000 /dev/zero > /unflushed');
	crash(host.name);
	await bootHosts([host.name]);
	t.is(onHost(host.name, 'cat /kept'), 'kept\n');
});

labTest('a host whose cable is out is silent until it is back', async (t, [host]) => {
	cable(host.name, 'out');
	t.throws(() => onHost(host.name, 'true'));
	cable(host.name, 'in');
	for (let attempt = 0; attempt < 20 && !answers(host.name); attempt++) await sleep(250);
	t.true(answers(host.name));
});

function answers(name: string): boolean {
	try {
		return onHost(name, 'echo yes') === 'yes\n';
	} catch {
		return false;
	}
}
