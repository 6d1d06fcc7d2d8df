import type {Abortable} from '../../core/events.js';
import {HostError} from '../host/error.js';
import {type ExecOptions, execOk} from '../transport/exec.js';
import type {Transport} from '../transport/transport.js';
import {kubernetesPlaces} from './host-script.js';

/** A master, and the API server that runs there: the virtual address may lead to another one, or nowhere yet. */
export interface AskedMaster {
	readonly transport: Transport;
	/** Undefined for the server that the kubeconfig names. */
	readonly apiUrl?: string | undefined;
}

export interface AskKubectlOptions extends Abortable, Pick<ExecOptions, 'input' | 'maxOutputBytes'> {
	/** For the whole of it; default 60 s. One request to the API server takes at most half of that. */
	readonly timeoutMs?: number | undefined;
}

/**
 * Runs kubectl on a master, as the administrator of its cluster. What is secret goes over `input`, never in an argument.
 * @throws HostError ERR_COMMAND_FAILED with what kubectl says, ERR_COMMAND_TIMEOUT, ERR_COMMAND_OUTPUT, and what `exec` throws
 */
export async function askKubectl(
	{transport, apiUrl}: AskedMaster,
	words: readonly string[],
	{timeoutMs = 60_000, ...options}: AskKubectlOptions = {},
): Promise<string> {
	const argv = [
		...['kubectl', '--kubeconfig', kubernetesPlaces.adminConf],
		...(apiUrl === undefined ? [] : ['--server', apiUrl]),
		`--request-timeout=${Math.max(1, Math.round(timeoutMs / 2000))}s`,
		...words,
	];
	return (await execOk(transport, argv, {...options, timeoutMs})).toString();
}

/**
 * The answer of kubectl to a question with `-o json`, which is added.
 * @throws HostError ERR_CLUSTER_API when it is no JSON, and what `askKubectl` throws
 */
export async function askKubectlJson(
	master: AskedMaster,
	words: readonly string[],
	options: AskKubectlOptions = {},
): Promise<unknown> {
	const text = await askKubectl(master, [...words, '-o', 'json'], options);
	try {
		return JSON.parse(text);
	} catch (cause) {
		throw new HostError(master.transport.host, 'ERR_CLUSTER_API', 'The answer of kubectl is no JSON', {
			hint: 'Run it on the host, and look at what it says.',
			cause,
		});
	}
}
