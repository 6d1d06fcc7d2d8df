import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import {type Fields, isFields} from '../kubeadm/document.js';
import {kubeconfigPlaces} from '../pki/cluster/places.js';
import {type ExecOptions, execOk} from '../transport/exec.js';
import type {Transport} from '../transport/transport.js';

/** A master, and the API server that runs there: the virtual address may lead to another one, or nowhere yet. */
export interface AskedMaster {
	readonly transport: Transport;
	/** Undefined for the server that the kubeconfig names. */
	readonly apiUrl?: string | undefined;
}

export interface KubectlOptions extends Abortable, Pick<ExecOptions, 'input' | 'maxOutputBytes'> {
	/** For the whole of it; default 60 s. One request to the API server takes at most half of that. */
	readonly timeoutMs?: number | undefined;
}

/**
 * Runs kubectl as the administrator of a cluster; its stdout. What is secret goes over `input`, never in a word.
 * @throws HostError ERR_COMMAND_FAILED with what kubectl says, ERR_COMMAND_TIMEOUT, ERR_COMMAND_OUTPUT, and those of the transport
 */
export type Kubectl = (words: readonly string[], options?: KubectlOptions) => Promise<string>;

/** kubectl of a master, asking the API server of that very master, whoever else lives. Its output is at most 4 MiB by default. */
export function kubectlOn(master: AskedMaster): Kubectl {
	return async (words, {timeoutMs = 60_000, maxOutputBytes = 4 * 1024 * 1024, input, signal} = {}) => {
		const limit = `--request-timeout=${Math.max(1, Math.round(timeoutMs / 2000))}s`;
		const argv = kubectlWords(master, [limit, ...words]);
		return (await execOk(master.transport, argv, {input, signal, timeoutMs, maxOutputBytes})).toString();
	};
}

/** The whole argument list, for those who start it in a way of their own. */
export function kubectlWords({apiUrl}: AskedMaster, words: readonly string[]): readonly string[] {
	const server = apiUrl === undefined ? [] : ['--server', apiUrl];
	return ['kubectl', '--kubeconfig', kubeconfigPlaces.admin, ...server, ...words];
}

/**
 * The object that kubectl shows; `-o json` is added to the words.
 * @throws SealError ERR_CLUSTER_API when it shows none, and as `Kubectl`
 */
export async function kubectlJson(
	kubectl: Kubectl,
	words: readonly string[],
	options: KubectlOptions = {},
): Promise<Fields> {
	const text = await kubectl([...words, '-o', 'json'], options);
	try {
		const value: unknown = JSON.parse(text);
		if (isFields(value)) return value;
	} catch (cause) {
		throw unreadable(words, cause);
	}
	throw unreadable(words);
}

function unreadable(words: readonly string[], cause?: unknown): SealError {
	return new SealError('ERR_CLUSTER_API', `The answer to "kubectl ${words.slice(0, 2).join(' ')}" is no JSON object`, {
		hint: 'Check that kubectl on the masters is that of their Kubernetes.',
		cause,
	});
}
