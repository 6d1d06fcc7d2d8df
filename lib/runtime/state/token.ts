import type {Abortable} from '../../core/events.js';
import {Secret} from '../../core/secret.js';
import {HostError} from '../host/error.js';
import {execOk} from '../transport/exec.js';
import type {Transport} from '../transport/transport.js';
import {kubernetesPlaces} from './host-script.js';

/** What lets a host into a cluster by hand. */
export interface JoinToken {
	readonly endpoint: string;
	readonly token: Secret;
	/** `sha256:...` of the key of the cluster's authority. */
	readonly authority: string;
	/** The whole command, to be run on the host. */
	readonly command: Secret;
}

/**
 * Makes a bootstrap token on a master. It is in no argument and no log; who has it can join hosts until it ends.
 * @throws HostError ERR_CLUSTER_API when kubeadm says what cannot be understood, ERR_COMMAND_FAILED, and what `exec` throws
 */
export async function createToken(
	transport: Transport,
	{ttlSeconds, signal}: Abortable & {readonly ttlSeconds: number},
): Promise<JoinToken> {
	const config = ['--kubeconfig', kubernetesPlaces.adminConf];
	const argv = ['kubeadm', 'token', 'create', ...config, '--ttl', `${ttlSeconds}s`, '--print-join-command'];
	const text = (await execOk(transport, argv, {signal, timeoutMs: 60_000, maxOutputBytes: 64 * 1024})).toString();
	const found = joinLine.exec(text);
	if (found === null) {
		throw new HostError(transport.host, 'ERR_CLUSTER_API', 'What kubeadm says of the token cannot be understood', {
			hint: 'Run "kubeadm token create --print-join-command" on the master.',
		});
	}
	const [, endpoint = '', token = '', authority = ''] = found;
	const command = `kubeadm join ${endpoint} --token ${token} --discovery-token-ca-cert-hash ${authority}`;
	return {endpoint, token: new Secret(token), authority, command: new Secret(command)};
}

/** Some versions put more than one space between the words. */
const joinLine =
	/^kubeadm +join +([\w.:[\]-]{1,300}) +--token +([a-z0-9]{6}\.[a-z0-9]{16}) +--discovery-token-ca-cert-hash +(sha256:[0-9a-f]{64})\s*$/m;
