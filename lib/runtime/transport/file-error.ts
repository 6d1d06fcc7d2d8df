import {formatBytes} from '../../core/bytes.js';
import type {ErrorCode} from '../../core/codes.js';
import {HostError} from '../host/error.js';

/** A name from the outside on a terminal: quoted when it holds anything odd. */
export function showPath(path: string): string {
	return /^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(path) ? path : JSON.stringify(path);
}

/**
 * The error of a file operation on a host in our terms, from what the host's tools wrote in the C locale.
 * @param doing an infinitive that fits after "Cannot": "write", "read"
 */
export function fileError(host: string, doing: string, path: string, stderr: string): HostError {
	const known = reasons.find(({pattern}) => pattern.test(stderr));
	const said =
		stderr
			.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ')
			.trim()
			.split('\n')
			.at(-1) ?? '';
	const {code, why, hint} = known ?? {
		code: 'ERR_IO' as const,
		why: said.slice(-300) || 'the host gives no reason',
		hint: undefined,
	};
	return new HostError(host, code, `Cannot ${doing} ${showPath(path)} on the host: ${why}`, {hint, details: {path}});
}

/** The path in the form in which no tool takes it for an option. */
export function plainPath(path: string): string {
	if (path === '' || path.includes('\0')) throw new TypeError(`${JSON.stringify(path)} cannot be a path`);
	return path.startsWith('/') ? path : `./${path}`;
}

/**
 * Compares what a line of `df -Pk` says is free with what is needed. Its first column may hold blanks; no such line tells nothing.
 * @throws HostError ERR_NO_SPACE
 */
export function checkSpace(host: string, path: string, line: string, neededBytes: number): void {
	const kibibytes = /\s(\d+)\s+\d+%\s/.exec(line)?.[1];
	if (kibibytes === undefined || Number(kibibytes) * 1024 >= neededBytes) return;
	const free = formatBytes(Number(kibibytes) * 1024);
	throw new HostError(
		host,
		'ERR_NO_SPACE',
		`Cannot write ${showPath(path)} on the host: it needs ${formatBytes(neededBytes)}, and ${free} are free`,
		{hint: 'Free space on that file system of the host.', details: {path, neededBytes}},
	);
}

interface Reason {
	readonly pattern: RegExp;
	readonly code: ErrorCode;
	readonly why: string;
	readonly hint: string;
}

const reasons: readonly Reason[] = [
	{
		pattern: /No space left on device/,
		code: 'ERR_NO_SPACE',
		why: 'the disk is full',
		hint: 'Free space on that file system of the host.',
	},
	{
		pattern: /quota exceeded/i,
		code: 'ERR_NO_SPACE',
		why: 'the disk quota is used up',
		hint: 'Free space on the host, or raise the quota.',
	},
	{
		pattern: /File too large/,
		code: 'ERR_NO_SPACE',
		why: 'the file system does not take files this large',
		hint: 'Choose a folder on another file system of the host.',
	},
	{
		pattern: /Read-only file system/,
		code: 'ERR_READ_ONLY',
		why: 'its file system is read-only',
		hint: 'Look into the kernel log of the host (dmesg) for disk errors, or choose another folder.',
	},
	{
		pattern: /Permission denied|Operation not permitted/,
		code: 'ERR_PERMISSION',
		why: 'permission denied',
		hint: 'Do it as root, or choose a folder that the user may write to.',
	},
	{
		pattern: /invalid (?:user|group|spec)|unknown user/,
		code: 'ERR_IO',
		why: 'the owner is not known there',
		hint: 'Name a user and group of the host.',
	},
	{pattern: /Is a directory/, code: 'ERR_IO', why: 'it is a folder', hint: 'Name a file.'},
	{pattern: /Not a directory/, code: 'ERR_IO', why: 'a part of the path is not a folder', hint: 'Check the path.'},
	{
		pattern: /No such file|[Nn]onexistent directory|cannot create|can't create/,
		code: 'ERR_IO',
		why: 'there is no such file or folder',
		hint: 'Check the path.',
	},
];
