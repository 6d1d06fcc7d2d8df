import test from 'ava';
import {type Obstacle, runFailed, runUnavailable} from '../../../lib/sealfile/run/run-errors.js';
import type {RunRequest} from '../../../lib/sealfile/run/types.js';

const request: RunRequest = {
	...{id: 's', file: 'Sealfile', line: 12, heredocs: [], env: [], mounts: [], network: 'default', security: 'sandbox'},
	command: {form: 'shell', text: 'apt-get update && \\\n    apt-get install'},
};

const hints = test.macro({
	exec(t, obstacle: Obstacle, hint: string) {
		const error = runUnavailable(request, {os: 'linux', architecture: 'arm64'}, obstacle, 'so it is');
		t.is(error.code, 'ERR_RUN_UNAVAILABLE');
		t.is(error.message, 'Sealfile:12: RUN cannot be executed for linux/arm64: so it is');
		t.is(error.hint, `${hint}, or move the work out of RUN (make the files beforehand and COPY them).`);
	},
	title: (_, obstacle) => `the ways out of "${obstacle}" are named`,
});

test(hints, 'no runtime', 'Install crun or runc');
test(hints, 'runtime fails', 'Install the other of crun and runc, run as root, allow user namespaces');
test(hints, 'emulation', 'Register qemu (packages qemu-user-static and binfmt-support), build on linux/arm64');
test(hints, 'program missing', 'COPY the program into the image first, start from an image that has it');
test(
	hints,
	'ids missing',
	'Install newuidmap (package uidmap) and give yourself a range in /etc/subuid and /etc/subgid, run as root',
);
test(hints, 'no namespace', 'Run as root, allow user namespaces (sysctl user.max_user_namespaces)');

test('a failed command is shown on one line with its last output', t => {
	const error = runFailed(request, {exitCode: 100, tail: ['E: one', '', 'E: two']});
	t.is(error.code, 'ERR_RUN_FAILED');
	t.is(
		error.message,
		'Sealfile:12: The command "apt-get update && \\ apt-get install" ended with exit code 100\n    E: one\n    E: two',
	);
	t.like(error.details, {exitCode: 100, line: 12, tail: ['E: one', 'E: two']});
});

test('an exit code that stands for a signal names it', t => {
	t.regex(runFailed(request, {exitCode: 139, tail: []}).message, /exit code 139 \(SIGSEGV\)$/);
	t.regex(runFailed(request, {exitCode: 137, tail: []}).message, /\(SIGKILL, as when memory runs out\)$/);
	t.regex(runFailed(request, {exitCode: 255, tail: []}).message, /exit code 255$/);
});
