import test from 'ava';
import type {HostFacts} from '../../lib/runtime/facts/facts.js';
import type {HostFinding} from '../../lib/runtime/preflight/finding.js';
import {cliWithHosts} from '../helpers/ssh-cli.js';

test('facts of several hosts are a table, those of one are shown whole, and JSON has all', async t => {
	const {run, ok, names, login, servers} = await cliWithHosts(t, 3);
	const [first, second, third] = names as [string, string, string];
	const table = await ok('facts', ...login, '--no-sudo', first, second);
	t.regex(table, /^HOST +HOSTNAME +SYSTEM +KERNEL +PLATFORM +CPUS +MEMORY +LEAST FREE +CLOCK$/m);
	t.is(table.trimEnd().split('\n').length, 3);
	t.regex(await ok('facts', ...login, '--no-sudo', first), /^Kernel: +\S+/m);
	await servers[2]!.close();
	const some = await run(['facts', ...login, '--no-sudo', '--output', 'json', first, third]);
	t.is(some.exitCode, 3);
	const outcomes = JSON.parse(some.stdout) as Array<{
		host: string;
		ok: boolean;
		facts?: HostFacts;
		error?: {code: string};
	}>;
	t.deepEqual(
		outcomes.map(({host, facts, error}) => [host, facts?.system.init === undefined, error?.code]),
		[
			[first, false, undefined],
			[third, true, 'ERR_HOST_UNREACHABLE'],
		],
	);
});

test('preflight judges hosts together, and its exit code is 1 for an error', async t => {
	const {run, hosts, login} = await cliWithHosts(t, 2);
	const result = await run(['preflight', ...login, '--no-sudo', '--masters', hosts, '--output', 'json']);
	t.is(result.exitCode, 1, 'both hosts are this machine, so their names and ids are equal');
	const {findings} = JSON.parse(result.stdout) as {findings: HostFinding[]};
	t.true(findings.some(({id, severity}) => id === 'one-host-twice' && severity === 'error'));
	const text = await run(['preflight', ...login, '--no-sudo', '--masters', hosts]);
	t.regex(text.stdout, /^error: all 2 hosts: .* \[one-host-twice\]$/m);
	t.regex(text.stdout, /^not ready: 2 hosts, \d+ errors?, \d+ warnings?$/m);
	const ids = [...new Set(findings.map(({id}) => id))].join(',');
	const known = await run(['preflight', ...login, '--no-sudo', '--masters', hosts, '--ignore', ids]);
	t.is(known.exitCode, 0, known.stdout);
	t.regex(known.stdout, /^ready: 2 hosts/m);
});

test('preflight refuses networks and ids that are none before it asks a host', async t => {
	const {run, servers, login, names} = await cliWithHosts(t, 1);
	await servers[0]!.close();
	const network = await run(['preflight', ...login, '--pod-network', '10.0.0.0/33', names[0]!]);
	t.is(network.exitCode, 2);
	t.regex(network.stderr, /--pod-network: "10\.0\.0\.0\/33" is no network/);
	const id = await run(['preflight', ...login, '--ignore', 'swap-onn', names[0]!]);
	t.is(id.exitCode, 2);
	t.regex(id.stderr, /--ignore: there is no finding "swap-onn"[\s\S]*swap-on\?/);
});
