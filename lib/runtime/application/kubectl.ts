import {SealError} from '../../core/errors.js';
import type {Abortable} from '../../core/events.js';
import type {Fields} from '../kubeadm/document.js';

export interface KubectlOptions extends Abortable {
	/** What it reads; nothing when absent. */
	readonly stdin?: string | undefined;
}

/** Runs kubectl against the cluster, as its administrator; its stdout. Rejects when it ends otherwise than with 0. */
export type Kubectl = (argv: readonly string[], options?: KubectlOptions) => Promise<string>;

/**
 * What kubectl prints with `-o json`.
 * @throws SealError ERR_KUBECTL when it is no object, and as `Kubectl`
 */
export async function kubectlJson(
	kubectl: Kubectl,
	argv: readonly string[],
	options: KubectlOptions = {},
): Promise<Fields> {
	const output = await kubectl([...argv, '-o', 'json'], options);
	try {
		const value: unknown = JSON.parse(output);
		if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
	} catch (cause) {
		throw unreadable(argv, cause);
	}
	throw unreadable(argv);
}

function unreadable(argv: readonly string[], cause?: unknown): SealError {
	return new SealError('ERR_KUBECTL', `The answer to "kubectl ${argv.slice(0, 2).join(' ')}" is no JSON object`, {
		hint: 'Check that kubectl on the masters is that of their Kubernetes.',
		cause,
	});
}
