import {mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test from 'ava';
import {differingSysctls, wantedSysctls, writeSysctl} from '../../../lib/lb/surroundings/sysctls.js';

const root = mkdtempSync(join(tmpdir(), 'sealimage-sysctls-'));
test.after.always('remove the folder', () => rmSync(root, {recursive: true}));

const reuse = test.macro<[string, string | undefined]>({
	exec(t, release, wanted) {
		t.is(wantedSysctls(release)['net.ipv4.vs.conn_reuse_mode'], wanted);
		t.is(wantedSysctls(release)['net.ipv4.vs.expire_nodest_conn'], '1');
	},
	title: (_, release) => `kernel ${release}`,
});
test(reuse, '3.10.0-1160.el7.x86_64', undefined);
test(reuse, '4.1.0', '0');
test(reuse, '4.19.0-26-amd64', '0');
test(reuse, '5.8.18', '0');
test(reuse, '5.9.0', undefined);
test(reuse, '5.10.0-28-amd64', undefined);
test(reuse, '6.12.1+', undefined);

test('what differs is found, what a kernel does not know is said, and nothing is made that is not there', async t => {
	const folder = join(root, 'proc/sys/net/ipv4/vs');
	mkdirSync(folder, {recursive: true});
	writeFileSync(join(folder, 'conntrack'), '0\n');
	writeFileSync(join(folder, 'expire_nodest_conn'), '1\n');
	t.deepEqual(await differingSysctls(root, wantedSysctls('6.1.0')), [
		{name: 'net.ipv4.vs.expire_quiescent_template', wanted: '1', found: undefined},
		{name: 'net.ipv4.vs.conntrack', wanted: '1', found: '0'},
	]);
	await writeSysctl(root, 'net.ipv4.vs.conntrack', '1');
	t.is(readFileSync(join(folder, 'conntrack'), 'utf8'), '1\n');
	await t.throwsAsync(writeSysctl(root, 'net.ipv4.vs.conn_reuse_mode', '0'), {message: /conn_reuse_mode/});
});
