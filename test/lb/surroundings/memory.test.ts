import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import {
	forget,
	type Memory,
	nothingRemembered,
	parseMemory,
	readMemory,
	writeMemory,
} from '../../../lib/lb/surroundings/memory.js';

const dir = mkdtempSync(join(tmpdir(), 'sealimage-memory-'));
test.after.always('remove the folder', () => rmSync(dir, {recursive: true}));

const memory: Memory = {
	service: {address: '10.103.97.2', port: 6443},
	sysctls: {'net.ipv4.vs.conntrack': '0'},
	modules: ['ip_vs_rr', 'ip_vs'],
	masquerade: 'nftables',
};

test('what is remembered is read again, from a folder that was not there, and forgotten', async t => {
	const file = join(dir, 'a/b/state.json');
	t.deepEqual(await readMemory(file), nothingRemembered);
	await writeMemory(file, memory);
	t.deepEqual(await readMemory(file), memory);
	await forget(file);
	await forget(file);
	t.deepEqual(readdirSync(join(dir, 'a/b')), []);
});

test('a file that is not to be understood is as good as none, and stays', async t => {
	const file = join(dir, 'broken.json');
	writeFileSync(file, '{"sysctls":');
	t.deepEqual(await readMemory(file), nothingRemembered);
	t.is(readFileSync(file, 'utf8'), '{"sysctls":');
});

test('only settings of IPVS, its modules and numbers are taken over', t => {
	const text = JSON.stringify({
		service: {address: '10.0.0.1; reboot', port: 6443},
		sysctls: {
			'net.ipv4.vs.conntrack': '0',
			'kernel.core_pattern': '|/bin/sh',
			'net.ipv4.vs.../x': '1',
			'net.ipv4.vs.a': '1\n2',
		},
		modules: ['ip_vs', '-f', 'ext4'],
		masquerade: 'ipfw',
	});
	t.deepEqual(parseMemory(text), {sysctls: {'net.ipv4.vs.conntrack': '0'}, modules: ['ip_vs']});
});

test('any text is read', t => {
	fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), text => t.notThrows(() => parseMemory(text))));
});
