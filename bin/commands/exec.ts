import {Readable} from 'node:stream';
import {waitFor} from '../../lib/core/abortable.js';
import {collect} from '../../lib/core/bytes.js';
import type {HostOutcome} from '../../lib/runtime/host/each.js';
import {type ExecOnHostsOptions, execOnHosts} from '../../lib/runtime/host/exec.js';
import {defineCommand, type Flags, type FlagValues} from '../command.js';
import type {Context} from '../context.js';
import {readDuration} from '../duration.js';
import {hostHelp, hostLoginFlags, sudoFlag} from '../host-flags.js';
import {outcomeJson, reportHosts} from '../host-report.js';
import {write} from '../io.js';
import {readPairs} from '../key-values.js';
import {type Reach, reachHosts} from '../reach.js';
import {renderHostFailures} from '../render/host-failures.js';
import {groupedOutput, type HostOutput, jsonLines, plainOutput, prefixedLines} from '../render/host-output.js';
import {hostsText} from '../render/hosts-text.js';
import {formatJson} from '../render/json.js';
import {printable} from '../render/text.js';
import {count} from '../render/units.js';

const execFlags = {
	...hostLoginFlags,
	...sudoFlag,
	env: {type: 'list', short: 'e', value: 'NAME=VALUE', help: 'an environment variable of the command'},
	cwd: {type: 'string', value: 'DIR', help: 'the folder on the hosts to run in (default: the home of the user)'},
	stdin: {type: 'boolean', help: 'give what comes on stdin to the command on every host'},
	timeout: {type: 'string', value: 'TIME', help: 'stop the command on a host that takes longer'},
	group: {type: 'boolean', help: 'print what hosts write to stdout when all have ended, equal outputs once'},
	prefix: {type: 'boolean', default: true, help: 'put the name of the host before each line'},
} as const satisfies Flags;

export const command = defineCommand({
	description: `Runs one command on many hosts at once. It is a list of arguments that no shell reads: for pipes and wildcards write sh -c '...'. Lines appear as they come, each with its host; what hosts write to stderr goes to stderr. A host that fails stops no other; a table at the end says what failed. Ctrl-C stops the command on every host. ${hostHelp}`,
	operands: [{name: 'COMMAND', help: 'the program to run and its arguments', variadic: true, completes: 'none'}],
	flags: execFlags,
	flagsEndAfter: 1,
	examples: [
		{about: 'On three hosts', line: 'sealimage exec --hosts 10.0.0.5-10.0.0.7 -- uptime'},
		{
			about: 'On the nodes of a cluster, one after another, with a shell',
			line: "sealimage exec --cluster default --roles node --concurrency 1 -- sh -c 'df -h | grep /var'",
		},
		{
			about: 'Which hosts differ?',
			line: 'sealimage exec --cluster default --group -- sha256sum /etc/containerd/config.toml',
		},
		{
			about: 'Without becoming root, for a program',
			line: 'sealimage exec --hosts web1,web2 --user ops --no-sudo --output json -- systemctl is-active nginx',
		},
	],
	async run({operands, flags}, context) {
		const options = {
			as: flags.sudo ? 'root' : 'login',
			cwd: flags.cwd,
			env: readPairs('--env', flags.env, context.io.env),
			timeoutMs: readDuration('--timeout', flags.timeout ?? '0') || undefined,
			input: flags.stdin ? await readInput(context) : undefined,
		} as const;
		const reach = await reachHosts(flags, [], context);
		const startedMs = performance.now();
		const output = chooseOutput(reach, flags, context);
		const ended: HostOutcome<unknown>[] = [];
		const run = runAll(reach, operands, {...options, onOutcome: outcome => void ended.push(outcome)}, output, context);
		const outcomes = await run.catch(async (error: unknown) => {
			if (context.signal.aborted) await tellInterrupted(reach, ended, output, context);
			throw error;
		});
		const elapsedMs = performance.now() - startedMs;
		await context.print(output.rest?.() ?? '');
		const exitCode = reportHosts(outcomes, elapsedMs, context);
		if (isJson(context)) await context.print(summaryLine(outcomes, [], elapsedMs));
		return {exitCode};
	},
});

async function runAll(
	reach: Reach,
	argv: readonly string[],
	options: ExecOnHostsOptions,
	output: HostOutput,
	context: Context,
): Promise<readonly HostOutcome<void>[]> {
	const print = async (bytes: Buffer, stream: 'stdout' | 'stderr'): Promise<void> => {
		if (bytes.length > 0) await context.print(bytes, isJson(context) ? 'stdout' : stream);
	};
	return await execOnHosts(reach.hosts, reach.open, argv, {
		...reach.options,
		...options,
		title: `exec ${argv[0] ?? ''}`,
		onOutput: async (host, stream, chunk) => print(output.push(host, stream, chunk), stream),
		async onOutcome(outcome) {
			await options.onOutcome?.(outcome);
			for (const stream of ['stdout', 'stderr'] as const) await print(output.end(outcome.host, stream), stream);
			if (isJson(context)) await context.print(`${formatJson({type: 'host', ...outcomeJson(outcome)})}\n`);
		},
	});
}

/** What is known when Ctrl-C comes, because one host hangs: it must not be lost with the rest. */
async function tellInterrupted(
	{hosts}: Reach,
	ended: readonly HostOutcome<unknown>[],
	output: HostOutput,
	context: Context,
): Promise<void> {
	const done = new Set(ended.map(({host}) => host));
	const unfinished = hosts.map(({name}) => name).filter(name => !done.has(name));
	const rest = isJson(context) ? summaryLine(ended, unfinished, undefined) : (output.rest?.() ?? '');
	// Nobody may be there any more to read it.
	await write(context.io.stdout, rest).catch(() => {});
	if (isJson(context)) return;
	if (ended.some(({ok}) => !ok)) context.note(renderHostFailures(ended, context.errorStyle, context.io.stderr.columns));
	if (!context.quiet) {
		const missing = unfinished.length === 0 ? '' : `, not ${printable(hostsText(unfinished))}`;
		context.note(`${ended.length} of ${count(hosts.length, 'host')} had ended${missing}`);
	}
}

function summaryLine(
	outcomes: readonly HostOutcome<unknown>[],
	unfinished: readonly string[],
	elapsedMs: number | undefined,
): string {
	const failed = outcomes.filter(({ok}) => !ok).map(({host}) => host);
	const more = elapsedMs === undefined ? {unfinished} : {elapsedMs: Math.round(elapsedMs)};
	return `${formatJson({type: 'summary', hosts: outcomes.length + unfinished.length, failed, ...more})}\n`;
}

function isJson({settings}: Context): boolean {
	return settings.output.value === 'json';
}

function chooseOutput({hosts}: Reach, {prefix, group}: FlagValues<typeof execFlags>, context: Context): HostOutput {
	const {style, errorStyle, io} = context;
	const names = hosts.map(({name}) => name);
	const look = {
		names: prefix ? names : undefined,
		style: {stdout: style, stderr: errorStyle},
		isTerminal: {stdout: io.stdout.isTTY === true, stderr: io.stderr.isTTY === true},
	};
	if (isJson(context)) return jsonLines();
	if (group) return groupedOutput(names, look);
	return prefix || hosts.length > 1 ? prefixedLines(look) : plainOutput(look);
}

/** Many hosts read the same input, so it is held in memory; larger things are for scp. */
async function readInput({io, signal}: Context): Promise<() => Readable> {
	const input = await waitFor(collect(io.stdin, maxInputBytes, 'The input for the hosts'), {signal});
	return () => Readable.from([input], {objectMode: false});
}

const maxInputBytes = 64 * 1024 * 1024;
