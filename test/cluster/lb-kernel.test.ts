import {addressBytes, addressText} from '../../lib/core/ip-address.js';
import {bootHosts, crash, onHost} from '../lab/hosts.js';
import {ipvsadm, putIpvsadm} from './ipvsadm-on-host.js';
import {onLabHosts} from './lab-test.js';
import {balancerOn, putBalancer, refusalOn} from './lb-on-host.js';

// What IPVS needs around it, judged by the tools of the host; and the table, judged by ipvsadm. Two ports of one host are the members.
const labTest = onLabHosts(['lbk-node', 'lbk-server']);
const node = 'lbk-node';
const server = 'lbk-server';
const virtual = {'4': '10.103.97.2', '6': 'fd00:97::2'} as const;

interface Prepared {
	readonly form: string;
	readonly nodeAddress: string;
	readonly changes: readonly string[];
	readonly warnings: readonly string[];
}
interface View {
	readonly service?: {readonly scheduler: string};
	readonly destinations: readonly {readonly address: string; readonly port: number; readonly weight: number}[];
}

const endpoint = (address: string, port: number): string =>
	address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

function specFor(version: '4' | '6', member: string) {
	return {address: virtual[version], members: [endpoint(member, 7001), endpoint(member, 7002)]};
}

function addAll(version: '4' | '6', member: string): object[] {
	const service = {protocol: 'tcp', address: virtual[version], port: 6443, scheduler: 'rr'};
	const destination = {address: member, forwarding: 'masquerade', weight: 1};
	return [
		{do: 'add-service', service},
		...[7001, 7002].map(port => ({do: 'add-member', destination: {...destination, port}})),
	];
}

/** Two servers that say who they are and who speaks to them. */
function serve(): void {
	for (const port of [7001, 7002])
		for (const listen of [`TCP4-LISTEN:${port}`, `TCP6-LISTEN:${port},ipv6only=1`])
			onHost(server, `systemd-run -q socat ${listen},fork,reuseaddr SYSTEM:'echo ${port} $SOCAT_PEERADDR; cat'`);
}

/** The member that answered and whom it saw, or what the client says. */
function say(address: string, as = ''): string {
	const said = onHost(
		node,
		`${as} socat -T2 - TCP:${endpoint(address, 6443)},connect-timeout=3 </dev/null 2>&1 || true`,
	);
	const [, port, peer] = /^(\d+) \[?([0-9a-f.:]+)/.exec(said) ?? [];
	return peer === undefined ? said.trim() : `${port} ${addressText(addressBytes(peer))}`;
}
const sysctls = (): string => onHost(node, 'sysctl -a 2>/dev/null | grep -E "^net.ipv4.vs.(conn|expire)|ip_forward ="');

labTest(
	'a node that has nothing is prepared: module, settings and route, and a second time nothing is done',
	async (t, hosts) => {
		const [{address: own}, {address: member}] = hosts;
		await putBalancer(node);
		serve();
		t.notRegex(onHost(node, 'cat /proc/modules'), /^ip_vs /m);
		const request = {spec: specFor('4', member)};
		const {form, nodeAddress, changes} = balancerOn<Prepared>(node, 'prepare', request);
		t.is(form, 'ipvs');
		t.is(nodeAddress, own);
		t.deepEqual(changes, [
			'loaded the module ip_vs_rr',
			'loaded the module ip_vs',
			'set net.ipv4.vs.expire_nodest_conn from 0 to 1',
			'set net.ipv4.vs.expire_quiescent_template from 0 to 1',
			'set net.ipv4.vs.conntrack from 0 to 1',
			'let the modules of IPVS be loaded at boot',
			`made ${virtual['4']} local with the source ${own}`,
		]);
		t.regex(onHost(node, `ip route get ${virtual['4']}`), new RegExp(`^local ${virtual['4']} .*dev lo .*src ${own} `));
		t.regex(sysctls(), /vs\.conntrack = 1[\s\S]*expire_nodest_conn = 1[\s\S]*expire_quiescent_template = 1/);
		t.deepEqual(balancerOn<Prepared>(node, 'prepare', request).changes, []);
	},
);

labTest(
	"without members a connection is refused at once; with them both get connections from the node's address",
	async (t, hosts) => {
		const [{address: own}, {address: member}] = hosts;
		t.regex(say(virtual['4']), /Connection refused/);
		balancerOn(node, 'apply', {spec: specFor('4', member), operations: addAll('4', member)});
		t.deepEqual([say(virtual['4']), say(virtual['4'])].sort(), [`7001 ${own}`, `7002 ${own}`].sort());
	},
);

labTest('ipvsadm sees what we wrote, and we see what ipvsadm wrote', async (t, hosts) => {
	const [, {address: member}] = hosts;
	putIpvsadm(node);
	const shown = onHost(node, `${ipvsadm} -Ln`);
	t.regex(shown, /TCP {2}10\.103\.97\.2:6443 rr/);
	for (const port of [7001, 7002]) t.regex(shown, new RegExp(`-> ${member}:${port} +Masq +1 +\\d+ +\\d+`));
	onHost(
		node,
		`${ipvsadm} -E -t 10.103.97.2:6443 -s wlc && ${ipvsadm} -e -t 10.103.97.2:6443 -r ${member}:7001 -m -w 0`,
	);
	const {service, destinations} = balancerOn<View>(node, 'read', {spec: specFor('4', member)});
	t.is(service?.scheduler, 'wlc');
	t.deepEqual(destinations.map(({port, weight}) => [port, weight]).sort(), [
		[7001, 0],
		[7002, 1],
	]);
	const back = {...{address: member, port: 7001, forwarding: 'masquerade', weight: 1}};
	const service4 = {protocol: 'tcp', address: virtual['4'], port: 6443, scheduler: 'rr'};
	balancerOn(node, 'apply', {
		spec: specFor('4', member),
		operations: [
			{do: 'edit-service', service: service4},
			{do: 'edit-member', destination: back},
		],
	});
	t.regex(onHost(node, `${ipvsadm} -Ln`), new RegExp(`6443 rr.*${member}:7001 +Masq +1 `, 's'));
});

labTest('packets of pods come to where IPVS takes them, and the answers come back', async (t, hosts) => {
	const [{address: own}, {address: member}] = hosts;
	onHost(
		node,
		`ip netns add pod && ip link add pod0 type veth peer name eth0 netns pod && ip addr add 10.244.0.1/24 dev pod0 && ip link set pod0 up &&
		ip -n pod addr add 10.244.0.9/24 dev eth0 && ip -n pod link set eth0 up && ip -n pod route add default via 10.244.0.1 && sysctl -qw net.ipv4.ip_forward=1`,
	);
	// The kernel of the lab has no address translation for nf_tables, which is said; so here the server knows the way back. See test/interop/lb-nftables.test.ts.
	onHost(server, `ip route add 10.244.0.0/24 via ${own}`);
	const {warnings} = balancerOn<Prepared>(node, 'prepare', {spec: specFor('4', member)});
	const source = warnings.includes('ERR_NFTABLES') ? '10.244.0.9' : own;
	t.regex(say(virtual['4'], 'ip netns exec pod'), new RegExp(`^700[12] ${source}$`));
});

labTest('a connection to a member that is deleted ends with its next packet', async (t, hosts) => {
	const [, {address: member}] = hosts;
	const spec = specFor('4', member);
	const long = `{ for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo $i; sleep 0.5; done; } | socat -T9 - TCP:${virtual['4']}:6443`;
	onHost(node, `systemd-run -q --unit long sh -c '${long} >/run/long.out 2>&1; echo ended >>/run/long.out'`);
	onHost(node, 'sleep 1.5');
	const [port = ''] = onHost(node, 'head -c 4 /run/long.out').split('\n');
	balancerOn(node, 'apply', {spec, operations: [{do: 'delete-member', member: {address: member, port: Number(port)}}]});
	t.regex(
		onHost(node, 'for i in 1 2 3 4 5 6; do grep -q ended /run/long.out && break; sleep 0.5; done; cat /run/long.out'),
		/ended/,
	);
});

labTest('IPv6: the same, with a route of its own', async (t, hosts) => {
	const [{address6: own}, {address6: member}] = hosts;
	const options = {stateFile: '/var/lib/sealimage/lb/six.json'};
	const spec = specFor('6', member);
	const {nodeAddress, changes} = balancerOn<Prepared>(node, 'prepare', {spec, options});
	t.is(nodeAddress, own);
	t.true(changes.includes(`made ${virtual['6']} local with the source ${own}`));
	t.regex(onHost(node, `ip -6 route get ${virtual['6']}`), new RegExp(`^local ${virtual['6']} .*dev lo .*src ${own} `));
	balancerOn(node, 'apply', {spec, operations: addAll('6', member)});
	t.deepEqual([say(virtual['6']), say(virtual['6'])].sort(), [`7001 ${own}`, `7002 ${own}`].sort());
	t.regex(onHost(node, `${ipvsadm} -Ln`), /TCP {2}\[fd00:97::2\]:6443 rr/);
	t.deepEqual(balancerOn<Prepared>(node, 'prepare', {spec, options}).changes, []);
	const undone = balancerOn<string[]>(node, 'restore', {spec, options});
	t.deepEqual(undone.slice(0, 2), [
		`removed the virtual service [${virtual['6']}]:6443`,
		`deleted the route to ${virtual['6']}`,
	]);
	t.notRegex(onHost(node, 'ip -6 route show table local'), /fd00:97::2/);
});

labTest('what is there already and what cannot be is refused, with nothing changed', async (t, hosts) => {
	const [{address: own}, {address: member}] = hosts;
	const before = onHost(node, `ip route show table all; ${ipvsadm} -Sn`);
	const fresh = {stateFile: '/run/none.json'};
	const refused = (spec: object, options: object = fresh, as = ''): {code: string; message: string; hint?: string} =>
		refusalOn(node, 'prepare', {spec, options}, as);
	t.like(refused({...specFor('4', member), address: own}), {
		code: 'ERR_LB_ADDRESS',
		message: `The virtual address ${own} is on a device of this host`,
	});
	t.like(refused(specFor('4', member), {...fresh, nodeAddress: '192.0.2.7'}), {
		code: 'ERR_LB_ADDRESS',
		message: "The node's address 192.0.2.7 is on no device of this host",
	});
	t.like(refused({address: '224.0.0.9', members: [member]}), {
		code: 'ERR_LB_ADDRESS',
		message: 'The virtual address 224.0.0.9 is none that a host can have',
	});
	t.is(refused({address: 'fd00:97::3', members: ['[2001:db8::7]:1']}, fresh, 'unshare -n').code, 'ERR_LB_SOURCE');
	onHost(node, `${ipvsadm} -A -t 10.103.97.9:443 -s rr && ${ipvsadm} -a -t 10.103.97.9:443 -r 10.0.0.77:443 -m`);
	t.like(refused({address: '10.103.97.9', port: 443, members: [member]}), {
		code: 'ERR_LB_PORT',
		message: 'Another virtual service has 10.103.97.9:443 on this host already',
	});
	balancerOn(node, 'restore', {spec: {address: '10.103.97.9', port: 443, members: [member]}, options: fresh});
	t.regex(onHost(node, `${ipvsadm} -Ln`), /10\.103\.97\.9:443/);
	const nobody = 'setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all';
	onHost(node, 'sysctl -qw net.ipv4.vs.conntrack=0');
	t.like(refused(specFor('4', member), {stateFile: '/tmp/nobody.json'}, nobody), {
		code: 'ERR_LB_DENIED',
		hint: 'Run as root, or with CAP_NET_ADMIN and a /proc/sys that can be written.',
	});
	onHost(node, `sysctl -qw net.ipv4.vs.conntrack=1; ${ipvsadm} -D -t 10.103.97.9:443; rm -f /run/none.json`);
	t.is(onHost(node, `ip route show table all; ${ipvsadm} -Sn`), before);
});

labTest('the settings of IPVS stay while somebody else has a virtual service', async (t, hosts) => {
	const [, {address: member}] = hosts;
	onHost(node, `cp -r /var/lib/sealimage/lb /run/lb && ${ipvsadm} -A -t 10.96.0.1:443 -s rr`);
	const undone = balancerOn<string[]>(node, 'restore', {spec: specFor('4', member)});
	t.false(undone.some(line => line.startsWith('set ')));
	t.regex(onHost(node, `${ipvsadm} -Ln`), /10\.96\.0\.1:443 rr/);
	t.notRegex(onHost(node, `${ipvsadm} -Ln`), /10\.103\.97\.2/);
	onHost(node, `${ipvsadm} -D -t 10.96.0.1:443; cp -r /run/lb /var/lib/sealimage/`);
});

labTest('restored, all is as it was before, and a second time nothing is done', async (t, hosts) => {
	const [, {address: member}] = hosts;
	const request = {spec: specFor('4', member)};
	balancerOn(node, 'prepare', request);
	onHost(node, 'modprobe -r ip_vs_wlc');
	const undone = balancerOn<string[]>(node, 'restore', request);
	t.true(undone.includes('unloaded the module ip_vs'), undone.join('\n'));
	t.notRegex(onHost(node, 'cat /proc/modules'), /^ip_vs/m);
	t.notRegex(onHost(node, 'ip route show table local'), /10\.103\.97\.2/);
	t.is(onHost(node, 'ls /etc/modules-load.d /var/lib/sealimage/lb | grep -E "sealimage-lb|json" || true'), '');
	t.deepEqual(balancerOn(node, 'restore', request), []);
});

labTest('after a power cut the modules are there at boot, and all else is made again', async (t, hosts) => {
	const [, {address: member}] = hosts;
	const request = {spec: specFor('4', member)};
	balancerOn(node, 'prepare', request);
	onHost(node, 'sync');
	crash(node);
	await bootHosts([node]);
	t.regex(onHost(node, 'cat /proc/modules'), /^ip_vs_rr /m);
	const {changes} = balancerOn<Prepared>(node, 'prepare', request);
	t.true(changes.some(change => change.startsWith(`made ${virtual['4']} local`)));
	t.false(changes.some(change => change.startsWith('loaded')));
	t.true(balancerOn<string[]>(node, 'restore', request).includes('set net.ipv4.vs.conntrack back to 0'));
});

labTest(
	'a kernel without IPVS: insisting on it is an error, else nftables is tried and that is said',
	async (t, hosts) => {
		const [, {address: member}] = hosts;
		onHost(node, 'modprobe -r ip_vs_rr ip_vs; mv /lib/modules/$(uname -r)/kernel/net/netfilter/ipvs /root/ && depmod');
		const request = {spec: specFor('4', member)};
		const {code, message} = refusalOn(node, 'prepare', {...request, options: {form: 'ipvs'}});
		t.is(code, 'ERR_LB_MODULE');
		t.regex(message, /^This kernel has no IPVS, and the module ip_vs cannot be loaded: .*not found/);
		const {form, warnings} = balancerOn<Prepared>(node, 'prepare', request);
		t.is(form, 'nftables');
		t.true(warnings.includes('ERR_LB_MODULE'));
		// The kernel of the lab has nf_tables, but no address translation for it: that is refused in a sentence.
		const refused = refusalOn(node, 'apply', {
			...request,
			options: {form: 'nftables'},
			operations: addAll('4', member),
		});
		t.is(refused.code, 'ERR_NFTABLES');
		balancerOn(node, 'restore', request);
	},
);
