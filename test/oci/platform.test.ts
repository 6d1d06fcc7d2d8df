import test from 'ava';
import {formatPlatform, hostPlatform, parsePlatform, selectPlatform} from '../../lib/oci/platform.js';

const reads = test.macro({
	exec(t, text: string, expected: string) {
		t.is(formatPlatform(parsePlatform(text)), expected);
	},
	title: (_, text) => `reads ${String(text)}`,
});

test(reads, 'linux/amd64', 'linux/amd64');
test(reads, 'amd64', 'linux/amd64');
test(reads, 'x86_64', 'linux/amd64');
test(reads, 'linux/x86-64', 'linux/amd64');
test(reads, 'linux/amd64/v1', 'linux/amd64');
test(reads, 'linux/amd64/v2', 'linux/amd64/v2');
test(reads, 'aarch64', 'linux/arm64');
test(reads, 'linux/arm64/v8', 'linux/arm64');
test(reads, 'linux/arm64/v9', 'linux/arm64/v9');
test(reads, 'arm', 'linux/arm/v7');
test(reads, 'linux/arm/6', 'linux/arm/v6');
test(reads, 'armhf', 'linux/arm/v7');
test(reads, 'armel', 'linux/arm/v6');
test(reads, 'i386', 'linux/386');
test(reads, ' Linux/ARM64 ', 'linux/arm64');
test(reads, 'windows/amd64', 'windows/amd64');

for (const text of ['', '/', 'linux/', 'linux/arm64/v8/x', 'linux/a b', 'linux/amd64\n/v2']) {
	test(`refuses ${JSON.stringify(text)}`, t => {
		t.throws(() => parsePlatform(text), {code: 'ERR_PLATFORM', message: /is not a platform/});
	});
}

test('chooses the exact variant, then what the machine also runs; the first among equals', t => {
	const items = ['linux/arm/v6', 'linux/arm64', 'linux/arm/v7', 'linux/arm/v7'].map((text, i) => ({
		i,
		platform: parsePlatform(text),
	}));
	const chosen = (text: string): number | undefined => selectPlatform(items, parsePlatform(text))?.i;
	t.is(chosen('linux/arm/v8'), 2);
	t.is(chosen('linux/arm/v7'), 2);
	t.is(chosen('linux/arm/v6'), 0);
	t.is(chosen('linux/arm/v5'), undefined);
	t.is(chosen('linux/arm64/v8'), 1);
	t.is(chosen('linux/amd64'), undefined);
});

test('items without a platform, and attestations, never match', t => {
	const unknown = {platform: {os: 'unknown', architecture: 'unknown'}};
	t.is(selectPlatform([{}, unknown], parsePlatform('amd64')), undefined);
});

test('an index that says arm64/v8 is for arm64', t => {
	const item = {platform: {os: 'linux', architecture: 'arm64', variant: 'v8'}};
	t.is(selectPlatform([item], parsePlatform('arm64')), item);
});

test('the host is a platform', t => {
	t.regex(formatPlatform(hostPlatform()), /^linux\/[a-z0-9]+/);
});
