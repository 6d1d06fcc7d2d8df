import test from 'ava';
import {whyNotRunnable} from '../../../lib/sealfile/run/emulation.js';
import {tempDir, writeFiles} from '../../helpers/temp-dir.js';

const amd64 = {os: 'linux', architecture: 'amd64'};
const arm64 = {os: 'linux', architecture: 'arm64'};

const registration = (state: string, flags: string): string =>
	`${state}\ninterpreter /usr/bin/qemu-aarch64-static\nflags: ${flags}\noffset 0\n`;

test('a machine runs its own architecture and the small one beside it', t => {
	t.is(whyNotRunnable(amd64, amd64, '/nonexistent'), undefined);
	t.is(whyNotRunnable({os: 'linux', architecture: '386'}, amd64, '/nonexistent'), undefined);
	t.is(whyNotRunnable({os: 'linux', architecture: 'arm', variant: 'v7'}, arm64, '/nonexistent'), undefined);
});

test('another architecture needs emulation', t => {
	t.is(whyNotRunnable(arm64, amd64, '/nonexistent'), 'this machine is linux/amd64 and has no emulation of linux/arm64');
});

test('qemu counts when it is enabled and the kernel keeps its program open', t => {
	const dir = tempDir(t);
	writeFiles(dir, {'qemu-aarch64': registration('enabled', 'OCF'), status: 'enabled\n'});
	t.is(whyNotRunnable(arm64, amd64, dir), undefined);
	t.regex(whyNotRunnable({os: 'linux', architecture: 's390x'}, amd64, dir) ?? '', /no emulation of linux\/s390x$/);
});

test('qemu that is disabled, or not reachable from a container, does not count', t => {
	const off = tempDir(t);
	writeFiles(off, {'qemu-aarch64': registration('disabled', 'F')});
	t.regex(whyNotRunnable(arm64, amd64, off) ?? '', /has no emulation of linux\/arm64$/);
	const plain = tempDir(t);
	writeFiles(plain, {'qemu-aarch64': registration('enabled', '')});
	t.regex(whyNotRunnable(arm64, amd64, plain) ?? '', /without the flag F/);
});

test('only Linux programs run on Linux', t => {
	t.is(
		whyNotRunnable({os: 'windows', architecture: 'amd64'}, amd64, '/nonexistent'),
		'programs of windows/amd64 do not run on Linux',
	);
});
