/**
 * A step of a delivery pipeline on hosts: a new configuration of containerd, and a restart only where it is another one. It takes
 * transports, so that the same function runs over SSH (`openTransport`), on this machine, and on fake hosts in its test
 * (rollout-check.ts).
 */
import {eachHost, execOk, type HostOutcome, type Transport, uploadFile} from 'sealimage';

export async function rollOut(
	hosts: readonly Transport[],
	config: string,
): Promise<readonly HostOutcome<'changed' | 'unchanged'>[]> {
	return await eachHost(hosts, async host => {
		const {sentBytes} = await uploadFile(host, {bytes: Buffer.from(config)}, '/etc/containerd/config.toml', {
			makeFolders: true,
		});
		if (sentBytes === 0) return 'unchanged';
		await execOk(host, ['systemctl', 'restart', 'containerd'], {timeoutMs: 60_000});
		return 'changed';
	});
}
