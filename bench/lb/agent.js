import {execFileSync} from 'node:child_process';
import {chmodSync, cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {launcher} from '../../dist/lib/runtime/agent/install/layout.js';
import {createAuthority, issueLeaf} from '../../dist/lib/runtime/pki/authority.js';

/** The agent as it is installed on a host, with its own Node, in a folder to be copied to `/opt/sealimage`. */
export function makeAgent(dir) {
	const prefix = join(dir, 'sealimage');
	if (existsSync(prefix)) return prefix;
	const fetched = join(dir, 'fetched');
	const argv = ['dist/bin/sealimage.js', '--quiet', 'agent', 'fetch', '--platform', 'linux/amd64', '--to', fetched];
	execFileSync(process.execPath, argv, {stdio: ['ignore', 'ignore', 'inherit']});
	mkdirSync(join(prefix, 'bin'), {recursive: true});
	cpSync(join(fetched, 'linux-amd64/opt/sealimage'), join(prefix, 'versions/bench'), {recursive: true});
	symlinkSync('versions/bench', join(prefix, 'current'));
	writeFileSync(join(prefix, 'bin/sealimage-agent'), launcher);
	chmodSync(join(prefix, 'bin/sealimage-agent'), 0o755);
	return prefix;
}

/** `ca.crt`, and `key.pem` and `cert.pem` for all addresses, in a folder. */
export async function makeCertificates(folder, alternativeNames) {
	mkdirSync(folder, {recursive: true});
	const authority = await createAuthority({subject: {commonName: 'bench'}});
	const leaf = await issueLeaf(authority, {
		subject: {commonName: 'kube-apiserver'},
		purposes: ['server'],
		alternativeNames,
	});
	writeFileSync(join(folder, 'ca.crt'), authority.certPem);
	writeFileSync(join(folder, 'cert.pem'), leaf.certPem);
	writeFileSync(join(folder, 'key.pem'), leaf.keyPem.reveal());
	return folder;
}
