import {execFileSync} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {copyToHost, onHost} from '../lab/hosts.js';

/** How it is called on the host, with the libraries that come beside it. */
export const ipvsadm =
	'LD_LIBRARY_PATH=/opt/ipvsadm/lib/x86_64-linux-gnu:/opt/ipvsadm/usr/lib/x86_64-linux-gnu /opt/ipvsadm/sbin/ipvsadm';

/** Puts Debian's ipvsadm on a host, from this machine's mirror: the tests run in the network of the lab, which leads nowhere, so apt is called outside of it. */
export function putIpvsadm(name: string): void {
	const dir = mkdtempSync(join(tmpdir(), 'sealimage-ipvsadm-'));
	try {
		const packages = ['ipvsadm', 'libnl-3-200', 'libnl-genl-3-200', 'libpopt0'];
		const outside = [`--net=/proc/${outsider()}/ns/net`, 'apt-get', '-qq', '-o', 'APT::Sandbox::User=', 'download'];
		execFileSync('nsenter', [...outside, ...packages], {cwd: dir, stdio: 'pipe'});
		for (const file of readdirSync(dir)) execFileSync('dpkg-deb', ['--extract', file, 'ipvsadm'], {cwd: dir});
		copyToHost(name, join(dir, 'ipvsadm'), '/opt');
		onHost(name, 'sync');
	} finally {
		rmSync(dir, {recursive: true});
	}
}

/** The nearest process above this one that is not in the network of the lab. */
function outsider(): number {
	const own = readlinkSync('/proc/self/ns/net');
	for (
		let pid = process.ppid;
		pid > 1;
		pid = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
	)
		if (readlinkSync(`/proc/${pid}/ns/net`) !== own) return pid;
	throw new Error('Nobody is outside of the network of the lab');
}
