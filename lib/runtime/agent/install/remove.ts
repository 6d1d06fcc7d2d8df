import type {Abortable} from '../../../core/events.js';
import {HostError} from '../../host/error.js';
import {exec} from '../../transport/exec.js';
import {fileError} from '../../transport/file-error.js';
import type {Transport} from '../../transport/transport.js';
import {agentPrefix, checkPrefix} from './layout.js';
import {scriptWords} from './scripts.js';

export interface RemoveOptions extends Abortable {
	/** Default `/opt/sealimage`. */
	readonly prefix?: string | undefined;
	/** Also while agents run, as those of services do. */
	readonly force?: boolean | undefined;
}

/**
 * Removes every version of the agent from a host. Content in `/var/lib/sealimage` stays. False when there was nothing.
 * @throws HostError ERR_AGENT_BUSY with `details.pids`, ERR_READ_ONLY, ERR_PERMISSION, ERR_IO, those of the transport
 */
export async function removeAgent(transport: Transport, options: RemoveOptions = {}): Promise<boolean> {
	const {force = false, signal} = options;
	const prefix = checkPrefix(options.prefix ?? agentPrefix);
	const argv = scriptWords('remove', [prefix, force ? 'force' : '-']);
	const {stdout, stderr, status} = await exec(transport, argv, {signal, maxOutputBytes: 1024 * 1024});
	if (status.code !== 0) throw fileError(transport.host, 'remove', prefix, stderr.toString());
	const lines = stdout.toString().split('\n').filter(Boolean);
	if (lines.includes('removed')) return true;
	if (lines.includes('absent')) return false;
	const pids = lines.flatMap(line => /^busy (\d{1,9})$/.exec(line)?.[1] ?? []).map(Number);
	throw new HostError(
		transport.host,
		'ERR_AGENT_BUSY',
		`The agent is at work: process ${pids.slice(0, 5).join(', ')}`,
		{
			hint: 'Stop the services that use it, as "sealimage registry remove" does, or remove it with --force.',
			details: {pids},
		},
	);
}
