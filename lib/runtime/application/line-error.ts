import {HostError} from '../host/error.js';
import {describeStatus} from '../transport/exec.js';
import type {LineOutcome} from './run-line.js';

/** A line as errors name it. */
export interface ShownLine {
	readonly host: string;
	readonly image: string;
	/** `line 1 of 2 of redis:v7`. */
	readonly name: string;
	/** As the image has it: values of variables are no part of it. */
	readonly text: string;
}

const lostCodes: ReadonlySet<string> = new Set([
	'ERR_HOST_LOST',
	'ERR_HOST_UNREACHABLE',
	'ERR_HOST_TIMEOUT',
	'ERR_HOST_SESSION',
]);

/** The error of a line that did not come to its end. What is no matter of the host passes through. */
export function lostHost(error: unknown, {host, image, name, text}: ShownLine): unknown {
	if (!(error instanceof HostError)) return error;
	if (error.code === 'ERR_COMMAND_CWD') {
		return new HostError(host, 'ERR_APPLICATION_HOST', `The files of ${image} are not on the host`, {
			hint: 'Run the same command again: it brings what is missing.',
			cause: error,
		});
	}
	if (!lostCodes.has(error.code)) return error;
	return new HostError(host, 'ERR_APPLICATION_HOST', `The host was lost while ${name} ran: ${visible(text)}`, {
		hint: 'Run the same command again: it goes on with this line, on another master if this one does not answer.',
		details: {line: text},
		cause: error,
	});
}

/** The error of a line that ended otherwise than with 0. */
export function failedLine({host, name, text}: ShownLine, {status, tail}: LineOutcome): HostError {
	const output = tail.trimEnd().split('\n').slice(-tailLines);
	const last = visible(
		output
			.filter(line => line.trim() !== '')
			.slice(-3)
			.join('; '),
		longestTail,
	);
	const wrote = last === '' ? '' : ` (its last output: ${last})`;
	const message = `${inFront(name)} ${describeStatus(status)}: ${visible(text)}${wrote}`;
	return new HostError(host, 'ERR_APPLICATION_LINE', message, {
		hint: hintFor(status.code, text),
		details: {line: text, ...status, output: output.map(line => visible(line, 1000))},
	});
}

const tailLines = 20;
const longestTail = 600;

function hintFor(code: number | undefined, text: string): string {
	if (code === 127 && !/\s/.test(text.trim()))
		return 'Write each element of CMD and ENTRYPOINT as a whole command line: CMD ["kubectl apply -f manifests/"].';
	if (code === 127) return 'Put the program into bin/ of the image, or install it on the masters.';
	return 'Mend what the output tells of, then run the same command again: it goes on with this line.';
}

/** Where a sentence begins. */
export function inFront(name: string): string {
	return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
}

/** Text from images and hosts on one line, bounded, without what would change a terminal. */
export function visible(text: string, longest = 160): string {
	const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
	return line.length > longest ? `${line.slice(0, longest)}...` : line;
}
