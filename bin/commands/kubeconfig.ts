import {mkdir, readFile, realpath} from 'node:fs/promises';
import {dirname, join, resolve} from 'node:path';
import {writeFileAtomic} from '../../lib/core/atomic-file.js';
import {ifExists, withIo} from '../../lib/core/io-error.js';
import {kubeconfigOf, mergeKubeconfig, readAdminAccess, serverUrl} from '../../lib/runtime/state/kubeconfig.js';
import {clusterOperand} from '../clusters.js';
import {defineCommand} from '../command.js';
import type {Context} from '../context.js';
import {hostHelp, loginFlags} from '../host-flags.js';
import {withLiveMaster} from '../live-master.js';
import {shownPath} from '../shown-path.js';

export const command = defineCommand({
	description: `Prints what kubectl needs to reach a cluster as its administrator, or puts it into your kubeconfig. The server is a master that answers, by the address that it has for this machine; --server names another, which the certificate of the API servers must know. It holds a private key: keep it as you would a password. ${hostHelp}`,
	operands: [clusterOperand],
	flags: {
		...loginFlags,
		merge: {
			type: 'string',
			value: 'FILE',
			implied: '',
			help: 'put it into this kubeconfig instead of printing it, and make it the current context; without a FILE into the first of $KUBECONFIG, else ~/.kube/config',
			completes: 'file',
		},
		server: {type: 'string', value: 'URL', help: 'how kubectl reaches the API servers, as https://10.0.0.5:6443'},
	},
	examples: [
		{about: 'Use the cluster with kubectl', line: 'sealimage kubeconfig prod --merge && kubectl get nodes'},
		{about: 'A file of its own', line: 'umask 077; sealimage kubeconfig prod > prod.yaml'},
	],
	async run({operands, flags}, context) {
		const {merge, server, ...login} = flags;
		return await withLiveMaster(operands[0], login, context, async ({state, host, target, transport}) => {
			const {name, network} = state.setting;
			// The certificate names the host's own addresses; another way to it (a port forward, a name) it may not know.
			const known = [...host.addresses, ...state.setting.apiNames];
			const address = known.includes(target.address) ? target.address : (host.addresses[0] ?? target.address);
			const url = server ?? serverUrl(address, network.apiPort);
			const access = await readAdminAccess(transport, {signal: context.signal});
			if (merge === undefined) {
				const config = kubeconfigOf(name, url, access);
				return {json: {name, server: url, kubeconfig: config.reveal()}, text: () => config.reveal()};
			}
			const named = merge === '' ? usualPath(context) : resolve(context.io.cwd, merge);
			// Where it is a link, the file that it leads to is changed.
			const path = await realpath(named).catch(() => named);
			const shown = shownPath(path, context.io.cwd);
			const before = await withIo('read', shown, () => ifExists(() => readFile(path, 'utf8')));
			const merged = mergeKubeconfig(before ?? '', name, url, access, shown);
			await withIo('make', dirname(shown), () => mkdir(dirname(path), {recursive: true, mode: 0o700}));
			await writeFileAtomic(path, merged.reveal(), {mode: 0o600});
			return {json: {name, server: url, file: path}, text: () => `${shown}: context ${name}, ${url}\n`};
		});
	},
});

function usualPath({io}: Context): string {
	const [first] = (io.env.KUBECONFIG ?? '').split(':').filter(path => path !== '');
	return first === undefined ? join(io.home, '.kube', 'config') : resolve(io.cwd, first);
}
