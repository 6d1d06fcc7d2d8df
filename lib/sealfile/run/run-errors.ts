import {SealError} from '../../core/errors.js';
import {formatPlatform, type Platform} from '../../oci/platform.js';
import type {ContainerResult} from './process.js';
import type {RunRequest} from './types.js';

/** What keeps RUN from working here; each has its own ways out. */
export type Obstacle =
	| 'no runtime'
	| 'runtime fails'
	| 'emulation'
	| 'program missing'
	| 'ids missing'
	| 'no namespace';

/** RUN cannot work on this machine: names the line, the reason (a sentence without its period) and the ways out. */
export function runUnavailable(
	request: Pick<RunRequest, 'file' | 'line'>,
	platform: Platform,
	obstacle: Obstacle,
	reason: string,
): SealError {
	return new SealError(
		'ERR_RUN_UNAVAILABLE',
		`${place(request)}: RUN cannot be executed for ${formatPlatform(platform)}: ${reason}`,
		{
			hint: `${waysOut(obstacle, platform)}, or move the work out of RUN (make the files beforehand and COPY them).`,
			details: {...facts(request), obstacle, reason, platform: formatPlatform(platform)},
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

function waysOut(obstacle: Obstacle, platform: Platform): string {
	switch (obstacle) {
		case 'no runtime':
			return 'Install crun or runc';
		case 'runtime fails':
			return 'Install the other of crun and runc, run as root, allow user namespaces';
		case 'emulation':
			return `Register qemu (packages qemu-user-static and binfmt-support), build on ${formatPlatform(platform)}`;
		case 'program missing':
			return 'COPY the program into the image first, start from an image that has it';
		case 'ids missing':
			return 'Install newuidmap (package uidmap) and give yourself a range in /etc/subuid and /etc/subgid, run as root';
		case 'no namespace':
			return 'Run as root, allow user namespaces (sysctl user.max_user_namespaces)';
	}
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

function facts(request: Pick<RunRequest, 'file' | 'line'>): Record<string, unknown> {
	return {file: request.file, line: request.line};
}

function place(request: Pick<RunRequest, 'file' | 'line'>): string {
	return `${request.file}:${request.line}`;
}

function shorten(text: string): string {
	const line = text.replaceAll(/\s+/g, ' ').trim();
	return line.length > 120 ? `${line.slice(0, 117)}...` : line;
}
