import {execFile} from 'node:child_process';
import {endpointText} from '../../core/ip-address.js';

type Endpoint = {readonly address: string; readonly port: number};

/** The masquerade of kernels without nf_tables, by the iptables of the host. @returns whether something had to be changed; rejects with what iptables says */
export async function ensureIptables(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<boolean> {
	if (await hasIptables(endpoint, signal)) return false;
	await iptables(endpoint, '-A', signal);
	return true;
}

export async function hasIptables(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<boolean> {
	return iptables(endpoint, '-C', signal).then(
		() => true,
		() => false,
	);
}

export async function removeIptables(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<boolean> {
	if (!(await hasIptables(endpoint, signal))) return false;
	await iptables(endpoint, '-D', signal);
	return true;
}

async function iptables(
	endpoint: Endpoint,
	action: '-A' | '-C' | '-D',
	signal: AbortSignal | undefined,
): Promise<void> {
	const tool = endpoint.address.includes(':') ? '/usr/sbin/ip6tables' : '/usr/sbin/iptables';
	const match = [
		'-p',
		'tcp',
		'-m',
		'conntrack',
		'--ctorigdst',
		endpoint.address,
		'--ctorigdstport',
		`${endpoint.port}`,
	];
	const comment = ['-m', 'comment', '--comment', `sealimage: pods to ${endpointText(endpoint)}`];
	const args = ['-w', '5', '-t', 'nat', action, 'POSTROUTING', ...match, ...comment, '-j', 'MASQUERADE'];
	await new Promise<void>((resolve, reject) => {
		execFile(tool, args, {timeout: 20_000, env: {}, maxBuffer: 64 * 1024, signal}, error => {
			if (error === null) resolve();
			else reject(error);
		});
	});
}
