// The policy of lvscare over our own probes and kernel code: every 5 s each member in turn, 10 s for an answer, weight 0 after the first failure, out
// after the second, back after one success; certificates are not checked, and connections of a deleted member are not ended.
import {writeFileSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import {createProber, openTable, prepareNode, readSpec} from '../../dist/lib/lb/index.js';

const intervalMs = 5000;
const timeoutMs = 10_000;
const spec = readSpec(
	{members: process.argv.slice(2), probe: {path: '/healthz', intervalMs, timeoutMs}},
	'the command line',
);
const {form} = await prepareNode(spec, {form: 'ipvs'});
// The kernel's default, which lvscare leaves as it is.
writeFileSync('/proc/sys/net/ipv4/vs/expire_nodest_conn', '0\n');
const table = await openTable(spec, form);
const destination = (member, weight) => ({...member, forwarding: 'masquerade', weight});
const members = spec.members.map(member => ({
	member,
	prober: createProber(member, spec.probe, undefined),
	weight: 1,
}));
if (table.read().service === undefined)
	table.apply([
		{do: 'add-service', service: {protocol: 'tcp', address: spec.address, port: spec.port, scheduler: 'rr'}},
	]);
for (const {member} of members) table.apply([{do: 'add-member', destination: destination(member, 1)}]);

for (;;) {
	for (const one of members) {
		const {kind} = await one.prober.probe();
		const next = kind === 'ready' ? 1 : one.weight === 1 ? 0 : undefined;
		if (next === one.weight) continue;
		if (next === undefined) table.apply([{do: 'delete-member', member: one.member}]);
		else
			table.apply([
				{do: one.weight === undefined ? 'add-member' : 'edit-member', destination: destination(one.member, next)},
			]);
		one.weight = next;
	}
	await sleep(intervalMs);
}
