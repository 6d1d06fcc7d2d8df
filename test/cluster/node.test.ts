import {runAgentVerb} from '../../lib/runtime/agent/run-verb.js';
import {gatherFacts} from '../../lib/runtime/facts/gather.js';
import type {NodeWish} from '../../lib/runtime/node/wish.js';
import {openTransport} from '../../lib/runtime/transport/open.js';
import type {Transport} from '../../lib/runtime/transport/transport.js';
import {bootHosts, crash, type LabHost, onHost} from '../lab/hosts.js';
import {agentOnHost, putAgent} from './agent-on-host.js';
import {onLabHosts} from './lab-test.js';

const labTest = onLabHosts(['node-a']);

const unit = '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n';

const wish: NodeWish = {
	files: [
		{path: '/etc/modules-load.d/node-test.conf', content: {kind: 'text', text: 'dummy\n', mode: 0o644}},
		{path: '/etc/sysctl.d/99-node-test.conf', content: {kind: 'text', text: 'kernel.panic = 10\n', mode: 0o644}},
		{path: '/etc/systemd/system/node-test.service', content: {kind: 'text', text: unit, mode: 0o644}},
		{path: '/etc/motd', content: {kind: 'text', text: 'ours\n', mode: 0o600}},
		{path: '/opt/node-test/bin/tool', content: {kind: 'copy', from: '/usr/bin/true'}},
	],
	modules: ['dummy'],
	sysctls: {'kernel.panic': '10', 'net.ipv4.ip_forward': '1'},
	swapOff: true,
	units: [
		{name: 'node-test.service', enabled: true, active: true, restartFor: ['/etc/systemd/system/node-test.service']},
	],
};

labTest('a host is prepared, stays so after a power cut, and is put back to what it was', async (t, [host]) => {
	t.timeout(180_000);
	onHost(host.name, 'echo theirs >/etc/motd; chmod 644 /etc/motd; sync');
	await putAgent(host.name);
	const before = await look(host);
	const planned = await call(host, 'prepare', {wish, dryRun: true});
	t.deepEqual(await look(host), before);
	const {changes} = (await call(host, 'prepare', {wish, dryRun: false})) as {changes: string[]};
	t.deepEqual({changes}, planned);
	t.true(changes.includes('start node-test.service'));
	t.is(onHost(host.name, 'systemctl is-active node-test.service; cat /proc/sys/kernel/panic'), 'active\n10\n');
	crash(host.name);
	await bootHosts([host.name]);
	// A host answers before all its services have begun.
	onHost(host.name, 'for i in $(seq 100); do systemctl is-active -q node-test.service && break; sleep 0.1; done');
	t.is(onHost(host.name, 'systemctl is-active node-test.service; cat /proc/sys/kernel/panic'), 'active\n10\n');
	// Forwarding was for now alone, and that boot is over.
	t.deepEqual(await call(host, 'prepare', {wish, dryRun: true}), {changes: ['set net.ipv4.ip_forward to 1']});
	t.like(await call(host, 'restore', {}), {leftovers: []});
	t.deepEqual(await look(host), before);
	t.is(onHost(host.name, 'ls /var/lib/sealimage | grep -x node || true'), '');
});

async function call(host: LabHost, verb: string, params: unknown): Promise<unknown> {
	await using transport = reach(host);
	return await runAgentVerb(transport, verb, params, {path: agentOnHost});
}

/** All that preparing may touch, as facts and as the files themselves tell it. */
async function look(host: LabHost): Promise<object> {
	await using transport = reach(host);
	const {sysctls, hardware, software, security} = await gatherFacts(transport);
	const files = onHost(
		host.name,
		`find /etc /opt /usr/local -not -path '/opt/agent*' -printf '%p %y %m %u %l\\n' | sort; cat /etc/motd
		systemctl list-unit-files --no-legend --no-pager | sort; cat /proc/sys/kernel/panic`,
	);
	return {sysctls, swaps: hardware.swaps, services: software.services, security, files};
}

function reach(host: LabHost): Transport {
	const open = openTransport({operator: {user: 'root', home: '/nonexistent'}, hostKey: 'off', configFiles: []});
	return open({
		name: host.name,
		address: host.address,
		roles: [],
		login: {user: 'root', identities: [{file: host.keyFile}], agent: false},
	});
}
