import type {Abortable} from '../../core/events.js';
import type {RunHost} from '../lifecycle/run.js';
import type {ClusterSetting} from '../lifecycle/setting.js';
import {localUrl} from '../pki/cluster/items.js';
import {kubeconfigPlaces} from '../pki/cluster/places.js';
import {execOk} from '../transport/exec.js';
import {pkiClusterOf, pkiHostOf} from './describe.js';

export interface KubectlOptions extends Abortable {
	readonly input?: string | undefined;
	/** Default one minute. */
	readonly timeoutMs?: number | undefined;
	/** Of its output; default 4 MiB. */
	readonly maxOutputBytes?: number | undefined;
}

/** The words of a kubectl that asks the API server of its own master, whoever else lives. */
export function kubectlWords(setting: ClusterSetting, master: RunHost, words: readonly string[]): readonly string[] {
	const server = localUrl(pkiClusterOf(setting), pkiHostOf(setting, master));
	return ['kubectl', '--kubeconfig', kubeconfigPlaces.admin, '--server', server, ...words];
}

/**
 * Runs kubectl on a master; its stdout.
 * @throws HostError ERR_COMMAND_FAILED with what kubectl says, ERR_COMMAND_TIMEOUT, and those of the transport
 */
export async function kubectl(
	setting: ClusterSetting,
	master: RunHost,
	words: readonly string[],
	{input, signal, timeoutMs = 60_000, maxOutputBytes = 4 * 1024 * 1024}: KubectlOptions = {},
): Promise<string> {
	const argv = kubectlWords(setting, master, words);
	const stdout = await execOk(master.transport, argv, {input, signal, timeoutMs, maxOutputBytes});
	return stdout.toString();
}
