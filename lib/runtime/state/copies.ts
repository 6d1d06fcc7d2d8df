import {gzipSync} from 'node:zlib';
import {formatBytes} from '../../core/bytes.js';
import {isSealError, SealError} from '../../core/errors.js';
import {emit, type OperationOptions} from '../../core/events.js';
import {kubectlOn} from '../control/kubectl.js';
import {eachHost} from '../host/each.js';
import type {RunHost} from '../lifecycle/run.js';
import type {ClusterState} from './cluster-state.js';
import {serverUrl} from './kubeconfig.js';
import {maxStateBytes} from './parse-state.js';

/** Where the state is in the cluster itself. */
export const stateSecret = {namespace: 'kube-system', name: 'sealimage', key: 'state.json.gz'} as const;

/**
 * Writes the state to the masters, and into the cluster as soon as an API server answers. One copy is enough to go on with:
 * those that cannot be written are warnings.
 * @param masters hosts that were not found to answer are passed over
 * @throws HostError when no master took it
 */
export async function writeCopies(
	state: ClusterState,
	masters: readonly RunHost[],
	live: readonly RunHost[],
	options: OperationOptions,
): Promise<void> {
	const shared = withoutFiles(state);
	const content = Buffer.from(JSON.stringify(shared));
	if (content.length > maxStateBytes) throw tooLarge(content.length);
	const {signal} = options;
	const outcomes = await eachHost(
		masters.map(master => ({host: master.name, master})),
		async ({master}) => await (await master.agent()).call('state', {state: shared}, {signal}),
		{signal},
	);
	const failed = outcomes.flatMap(outcome => (outcome.ok ? [] : [outcome]));
	const [first] = failed;
	// Written by somebody else since: that is no matter of one host.
	const refused = failed.find(({error}) => isSealError(error) && error.code === 'ERR_CLUSTER_STATE') ?? first;
	if (refused !== undefined && (refused !== first || failed.length === outcomes.length)) throw refused.error;
	for (const {host, error} of failed) warn(options, host, error);
	const [asked] = live;
	if (asked === undefined) return;
	try {
		await writeSecret(asked, state.setting.network.apiPort, content, options);
	} catch (error) {
		signal?.throwIfAborted();
		warn(options, asked.name, error);
	}
}

/** Files of the operator's machine mean nothing elsewhere. */
function withoutFiles(state: ClusterState): ClusterState {
	const reach = Object.entries(state.reach).map(([name, {identityFiles: _, ...way}]) => [name, way] as const);
	return {...state, reach: Object.fromEntries(reach)};
}

async function writeSecret(
	master: RunHost,
	apiPort: number,
	content: Buffer,
	{signal}: OperationOptions,
): Promise<void> {
	const {namespace, name, key} = stateSecret;
	const packed = gzipSync(content);
	if (packed.length > maxSecretBytes) throw tooLarge(packed.length);
	const secret = {
		apiVersion: 'v1',
		kind: 'Secret',
		metadata: {namespace, name, labels: {'app.kubernetes.io/managed-by': 'sealimage'}},
		type: 'Opaque',
		data: {[key]: packed.toString('base64')},
	};
	// On the server's side: the client would write all of it into an annotation once more, and download what is known of every kind.
	const args = [
		'apply',
		'--server-side',
		'--force-conflicts',
		'--field-manager=sealimage',
		'--validate=false',
		'-f',
		'-',
	];
	const apiUrl = serverUrl(master.addresses[0] ?? '', apiPort);
	await kubectlOn({transport: master.transport, apiUrl})(args, {input: JSON.stringify(secret), signal});
}

/** Kubernetes takes one MiB. */
const maxSecretBytes = 1_000_000;

function tooLarge(sizeBytes: number): SealError {
	return new SealError(
		'ERR_CLUSTER_STATE',
		`The state of the cluster is too long to be kept: ${formatBytes(sizeBytes)}`,
		{
			hint: 'Bring fewer files with images of the types rootfs and patch, or smaller documents with the Clusterfile.',
		},
	);
}

function warn(options: OperationOptions, host: string, error: unknown): void {
	const message = error instanceof Error ? error.message : String(error);
	emit(options, {
		type: 'warning',
		code: isSealError(error) ? error.code : 'ERR_CLUSTER_STATE',
		message: `The state of the cluster is not on ${host}: ${message}`,
	});
}
