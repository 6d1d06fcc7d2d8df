import {SealError} from '../../core/errors.js';
import {formatPlatform, type Platform} from '../../oci/platform.js';
import type {ContainerResult} from './process.js';
import type {RunRequest} from './types.js';

/** RUN cannot work on this machine: names the line, the reason and the ways out. */
export function runUnavailable(request: RunRequest, platform: Platform, reason: string, cause?: unknown): SealError {
	return new SealError(
		'ERR_RUN_UNAVAILABLE',
		`${place(request)}: RUN cannot be executed for ${formatPlatform(platform)}: ${reason}`,
		{
			hint: waysOut(reason, platform),
			details: {...facts(request), reason, platform: formatPlatform(platform)},
			cause,
		},
	);
}

/** The command ended with another status than 0. */
export function runFailed(request: RunRequest, result: ContainerResult): SealError {
	const tail = result.tail.filter(line => line !== '');
	const said = tail.length === 0 ? '' : `\n${tail.map(line => `    ${line}`).join('\n')}`;
	return new SealError(
		'ERR_RUN_FAILED',
		`${place(request)}: The command "${shorten(commandText(request))}" ended with ${describeExit(result.exitCode)}${said}`,
		{details: {...facts(request), command: commandText(request), exitCode: result.exitCode, tail}},
	);
}

/** The command as it was written, for people. */
export function commandText({command, heredocs}: RunRequest): string {
	if (command.form === 'json') return JSON.stringify(command.argv);
	return heredocs.length === 0 ? command.text : [command.text, ...heredocs.map(heredoc => heredoc.body)].join('\n');
}

function waysOut(reason: string, platform: Platform): string {
	const last = 'move the work out of RUN (build the files beforehand and COPY them)';
	if (reason.includes('installed')) return `Install crun or runc, or ${last}.`;
	if (reason.includes('emulation')) {
		return `Register qemu (install qemu-user-static and binfmt-support), build on ${formatPlatform(platform)}, or ${last}.`;
	}
	if (reason.includes('does not have the ids'))
		return `Install newuidmap (package uidmap) and give yourself a range in /etc/subuid and /etc/subgid, or ${last}.`;
	if (reason.includes('the image has no'))
		return `Add the program with COPY, start from an image that has it, or ${last}.`;
	if (reason.includes('cannot make a container'))
		return `Install the other of crun and runc, run as root, allow user namespaces, or ${last}.`;
	return `Run as root or allow user namespaces (sysctl user.max_user_namespaces), or ${last}.`;
}

/** Shells and runtimes give 128 and the number for a process that a signal ended. */
function describeExit(exitCode: number): string {
	const name = exitCode > 128 ? signalNames[exitCode - 128] : undefined;
	if (name === undefined) return `exit code ${exitCode}`;
	return `exit code ${exitCode} (${name}${name === 'SIGKILL' ? ', as when memory runs out' : ''})`;
}

const signalNames: Readonly<Record<number, string>> = {
	1: 'SIGHUP',
	2: 'SIGINT',
	3: 'SIGQUIT',
	4: 'SIGILL',
	6: 'SIGABRT',
	7: 'SIGBUS',
	8: 'SIGFPE',
	9: 'SIGKILL',
	11: 'SIGSEGV',
	13: 'SIGPIPE',
	15: 'SIGTERM',
	24: 'SIGXCPU',
	25: 'SIGXFSZ',
	31: 'SIGSYS',
};

function facts(request: RunRequest): Record<string, unknown> {
	return {file: request.file, line: request.line};
}

function place(request: RunRequest): string {
	return `${request.file}:${request.line}`;
}

function shorten(text: string): string {
	const line = text.replaceAll(/\s+/g, ' ').trim();
	return line.length > 120 ? `${line.slice(0, 117)}...` : line;
}
