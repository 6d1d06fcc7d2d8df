import {constants} from 'node:os';
import {parseHostList} from '../../lib/runtime/host/list.js';
import type {HostTarget} from '../../lib/runtime/host/target.js';
import type {ExitStatus} from '../../lib/runtime/transport/transport.js';
import {defineCommand, type Flags, type FlagValues} from '../command.js';
import type {Context} from '../context.js';
import {hostFlags, hostHelp, loginFlags} from '../host-flags.js';
import {type Reach, reachHosts} from '../reach.js';
import {runSession} from '../terminal/session.js';
import {readArgument, UsageError} from '../usage-error.js';

const {concurrency: _, ...ownLoginFlags} = loginFlags;

const sshFlags = {
	...ownLoginFlags,
	cluster: {...hostFlags.cluster, help: `log in as the Clusterfile says: ${hostFlags.cluster.help}`},
	sudo: {type: 'boolean', help: 'be root there, through sudo where the login is another user'},
	terminal: {type: 'boolean', short: 't', help: 'give the command a terminal'},
} as const satisfies Flags;

export const command = defineCommand({
	description: `A shell on a host, or one command there, with the same logins, host keys and jump hosts as all other commands. The exit code is that of the shell or command, 128 and the number of the signal that ended it, or 255 when there is no connection. In the shell, ~. after a newline ends a connection that answers no more. ${hostHelp}`,
	operands: [
		{name: 'HOST', help: 'the host', completes: 'host'},
		{name: 'COMMAND', help: 'a program and its arguments, instead of a shell', optional: true, variadic: true},
	],
	flags: sshFlags,
	flagsEndAfter: 2,
	failureExitCode: 255,
	examples: [
		{about: 'A shell', line: 'sealimage ssh ops@10.0.0.5'},
		{about: 'A shell of root, behind a jump host', line: 'sealimage ssh --jump gate.example.com --sudo ops@10.0.0.5'},
		{about: 'What a Clusterfile says of a host', line: 'sealimage ssh --cluster ./Clusterfile 10.0.0.5'},
		{about: 'A full-screen program', line: 'sealimage ssh -t 10.0.0.5 top'},
	],
	async run({operands, flags}, context) {
		const [host = '', ...argv] = operands;
		const {target, reach} = await reachHost(host, flags, context);
		const isTerminal = context.io.stdin.isTTY === true && context.io.stdout.isTTY === true;
		if (flags.terminal && !isTerminal)
			throw new UsageError('--terminal needs a terminal, and there is none', {hint: 'Leave it out.'});
		const transport = reach.open(target);
		try {
			const status = await runSession(
				transport,
				{
					argv: argv.length === 0 ? loginShell : argv,
					as: flags.sudo ? 'root' : 'login',
					isInteractive: isTerminal && (argv.length === 0 || flags.terminal),
				},
				context,
			);
			return {exitCode: exitCodeOfStatus(status)};
		} finally {
			await transport.close();
		}
	},
});

/** That of the user; sshd and sudo tell which it is. */
const loginShell: readonly string[] = ['/bin/sh', '-c', 'exec "${SHELL:-/bin/sh}" -l'];

/** The one host, with its login from the Clusterfile when there is one. */
async function reachHost(
	host: string,
	flags: FlagValues<typeof sshFlags>,
	context: Context,
): Promise<{readonly target: HostTarget; readonly reach: Reach}> {
	const listed = readArgument('HOST', () => parseHostList(host));
	const [named, second] = listed;
	if (named === undefined || second !== undefined) {
		throw new UsageError(`ssh reaches one host, and ${JSON.stringify(host)} is ${listed.length}`, {
			hint: 'Use "sealimage exec" for many.',
		});
	}
	const reach = await reachHosts({...flags, concurrency: 1}, flags.cluster === undefined ? [host] : [], context);
	const found = reach.hosts.find(({address}) => address === named.address);
	if (found === undefined) {
		throw new UsageError(`${named.address} is no host of ${flags.cluster}`, {
			code: 'ERR_HOSTS_MISSING',
			hint: 'Leave out --cluster, or name one of its hosts.',
		});
	}
	return {target: {...found, login: {...found.login, ...named.login}}, reach};
}

/** As shells have it: 128 and the number of the signal. */
function exitCodeOfStatus({code, signal}: ExitStatus): number {
	if (signal === undefined) return code ?? 0;
	const numbers: Readonly<Record<string, number>> = constants.signals;
	return 128 + (numbers[`SIG${signal}`] ?? 0);
}
