import test from 'ava';
import {cliIn} from '../helpers/run-cli.js';

const refuses = test.macro(async (t, argv: readonly string[], exitCode: number, message: RegExp) => {
	const result = await cliIn(t).run(['registry', ...argv]);
	t.is(result.exitCode, exitCode);
	t.regex(result.stderr, message);
});

test('install without a host', refuses, ['install'], 2, /No host was named/);
test('install without a master', refuses, ['install', '10.0.0.5'], 1, /No host has the role master[\s\S]*--masters/);
test(
	'an address of a host that is not there',
	refuses,
	['install', '--masters', '10.0.0.5', '--address', '10.0.0.6=192.0.2.1'],
	2,
	/10\.0\.0\.6, which is none of the hosts/,
);
test('remove without a host', refuses, ['remove'], 2, /No host was named/);
test('a port that is none', refuses, ['install', '--masters', '10.0.0.5', '--registry-port', '0'], 2, /registry-port/);
