import test from 'ava';
import {cliIn} from '../helpers/run-cli.js';

const refuses = test.macro(async (t, argv: readonly string[], message: RegExp) => {
	const result = await cliIn(t).run(['lb', ...argv]);
	t.is(result.exitCode, 2);
	t.regex(result.stderr, message);
});

test('install without a host', refuses, ['install'], /No host was named/);
test('nobody to balance', refuses, ['install', '10.0.0.5'], /which API servers to balance[\s\S]*--members/);
test('a master without an address', refuses, ['install', '--masters', 'm1'], /m1 is known by name[\s\S]*--members/);
test(
	'the virtual address as a member',
	refuses,
	['install', '10.0.0.5', '--members', '10.103.97.2'],
	/virtual address 10\.103\.97\.2:6443 itself/,
);
test(
	'a virtual address that is none',
	refuses,
	['install', '--masters', '10.0.0.5', '--virtual-address', 'api:6443'],
	/"api" is no IPv4 or IPv6 address/,
);
test('a dry run for this machine', refuses, ['remove', '--dry-run'], /--dry-run is for hosts/);
