import {HostError} from '../host/error.js';
import type {ExitStatus} from './transport.js';

/** What came before a command that did not start. */
export interface StartFailure {
	/** The word that the wrapper gave as the reason, if it got so far. */
	readonly reason: string | undefined;
	/** What was printed meanwhile; sudo speaks English here. */
	readonly text: string;
	/** How often sudo asked for a password. */
	readonly prompts: number;
	readonly hasPassword: boolean;
	/** sudo had a terminal of its own already. */
	readonly beside: boolean;
}

/** Why a command could not be run as root, or not in its folder. */
export function sudoError(host: string, failure: StartFailure): HostError {
	const {reason, text, prompts, hasPassword} = failure;
	const fail = (code: Parameters<typeof known>[1], extra = ''): HostError => known(host, code, extra, failure);
	if (reason === 'nocwd') return fail('ERR_COMMAND_CWD');
	if (reason === 'nosudo') return fail('ERR_SUDO_MISSING');
	if (reason === 'noscript' || wantsTerminal.test(text)) return fail('ERR_SUDO_TTY');
	if (denied.test(text)) return fail('ERR_SUDO_DENIED');
	if (prompts > 0 && !hasPassword) return fail('ERR_SUDO_PASSWORD_NEEDED');
	if (prompts > 1 || wrong.test(text)) return fail('ERR_SUDO_PASSWORD');
	return fail('ERR_SUDO_FAILED', lastLines(text));
}

/** The error of a login shell that ended without starting anything. */
export function shellError(host: string, text: string, status: ExitStatus | undefined): HostError {
	const said = lastLines(text);
	return new HostError(
		host,
		'ERR_HOST_SHELL',
		`The login shell does not run commands${said === '' ? '' : `: ${said}`}`,
		{hint: 'Log in as a user with an ordinary login shell, as sh or bash.', details: {...status}},
	);
}

const wantsTerminal = /must have a tty|no tty present|terminal is required/i;
const denied =
	/not in the sudoers file|not allowed to (?:execute|run)|may not run sudo|afraid I can't do that|account validation failure|account (?:has )?expired/i;
const wrong = /incorrect password|authentication fail|try again/i;

const causes = {
	ERR_COMMAND_CWD: [
		'The folder to run the command in cannot be entered',
		'Make the folder on the host, or name another one.',
	],
	ERR_SUDO_MISSING: ['The login is not root, and the host has no sudo', 'Log in as root, or install sudo on the host.'],
	ERR_SUDO_TTY: [
		'sudo wants a terminal (requiretty), and the host has no script(1) to make one',
		'Remove "Defaults requiretty" from /etc/sudoers on the host, or log in as root.',
	],
	ERR_SUDO_DENIED: [
		'The user may not become root with sudo',
		'Allow the user to run all commands in /etc/sudoers on the host, or log in as root.',
	],
	ERR_SUDO_PASSWORD_NEEDED: [
		'sudo asks for a password, and none was given',
		'Give the password for sudo, or allow the user NOPASSWD in /etc/sudoers on the host.',
	],
	ERR_SUDO_PASSWORD: ['sudo does not take the password', 'Check the password for sudo; it was tried once only.'],
	ERR_SUDO_FAILED: ['sudo does not start the command', 'Try "sudo true" on the host.'],
} as const;

function known(host: string, code: keyof typeof causes, extra: string, {beside}: StartFailure): HostError {
	const [message, hint] = causes[code];
	return new HostError(host, code, extra === '' ? message : `${message}: ${extra}`, {
		hint,
		details: code === 'ERR_SUDO_TTY' ? {tried: beside} : {},
	});
}

function lastLines(text: string): string {
	const lines = text
		.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ')
		.split('\n')
		.map(line => line.trim())
		.filter(line => line !== '');
	return lines.slice(-3).join('; ').slice(-400);
}
