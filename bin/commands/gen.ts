import {resolve} from 'node:path';
import {writeFileAtomic} from '../../lib/core/atomic-file.js';
import {withIo} from '../../lib/core/io-error.js';
import {formatPlatform, hostPlatform} from '../../lib/oci/platform.js';
import {storeOf} from '../../lib/registry/place/options.js';
import {readClusterImage} from '../../lib/runtime/application/read-image.js';
import type {ClusterfileHosts} from '../../lib/runtime/cluster/clusterfile.js';
import {printClusterfile} from '../../lib/runtime/cluster/print-clusterfile.js';
import {bracketed} from '../../lib/runtime/host/address.js';
import {parseHostList} from '../../lib/runtime/host/list.js';
import type {KubeadmDocument} from '../../lib/runtime/kubeadm/document.js';
import {usualDocuments} from '../../lib/runtime/kubeadm/usual.js';
import {bringImages} from '../bring-images.js';
import {clusterLoginFlags, clusterNameFlag, memberFlags, settingFlags} from '../cluster-flags.js';
import {readClusterLogin} from '../cluster-login.js';
import {readWish} from '../cluster-wish.js';
import {defineCommand} from '../command.js';
import type {Context} from '../context.js';
import {withPlaces} from '../places.js';
import {registryFlags} from '../registry-flags.js';
import {readArgument} from '../usage-error.js';

export const command = defineCommand({
	description:
		'Prints what "apply" reads: the flags of run as a Clusterfile, to be kept and changed. No host is asked. Passwords and keys are no part of it: they are given to "apply". With --full also the documents of kubeadm that the cluster gets, for those who want to change something in them.',
	operands: [{name: 'IMAGE', help: 'as for run, in the order in which they count', variadic: true, completes: 'image'}],
	flags: {
		out: {type: 'string', short: 'o', value: 'FILE', help: 'write it there instead of stdout', completes: 'file'},
		full: {type: 'boolean', help: 'with the documents of kubeadm; the rootfs image must be at hand'},
		...memberFlags,
		...clusterNameFlag,
		env: settingFlags.env,
		cmd: settingFlags.cmd,
		'config-file': settingFlags['config-file'],
		'proxy-mode': settingFlags['proxy-mode'],
		...clusterLoginFlags,
		...registryFlags,
	},
	examples: [
		{
			about: 'A cluster to be kept in git',
			line: 'sealimage gen kubernetes:v1.30.2 calico:v3.28 --masters 10.0.0.1-10.0.0.3 --nodes 10.0.0.4 -o Clusterfile',
		},
		{about: 'With all that can be changed', line: 'sealimage gen kubernetes:v1.30.2 --masters 10.0.0.1 --full'},
	],
	async run({operands, flags}, outer) {
		const login = await readClusterLogin(flags, outer);
		const {context} = login;
		const wish = await readWish(
			{...flags, address: [], 'virtual-address': undefined, 'proxy-mode': undefined, wait: false},
			login,
		);
		const given = withProxyMode(wish.kubeadm ?? [], flags['proxy-mode']);
		const hosts = [...listed('--masters', flags.masters, 'master'), ...listed('--nodes', flags.nodes, 'node')];
		const kubeadm = flags.full
			? await withPlaces(context, flags, async places => {
					const [rootfs = ''] = await bringImages(operands.slice(0, 1), places, context);
					const platforms = [formatPlatform(hostPlatform())];
					const {kubernetes} = await readClusterImage(await storeOf(places), rootfs, {
						platforms,
						signal: context.signal,
					});
					return usualDocuments(kubernetes ?? '', given);
				})
			: given;
		const text = printClusterfile({
			name: wish.name,
			images: operands,
			env: wish.env ?? {},
			...(wish.command === undefined ? {} : {command: wish.command}),
			hosts,
			configs: wish.configs ?? [],
			kubeadm,
		});
		if (flags.out !== undefined) await write(flags.out, text, context);
		return {json: {clusterfile: text}, text: () => (flags.out === undefined ? text : '')};
	},
});

/** Clusterfiles have no field for it: kube-proxy's own document says it. */
function withProxyMode(documents: readonly KubeadmDocument[], mode: string | undefined): readonly KubeadmDocument[] {
	if (mode === undefined) return documents;
	const kind = 'KubeProxyConfiguration';
	const own = documents.find(document => document.kind === kind);
	const others = documents.filter(document => document !== own);
	return [...others, {apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind, ...own, mode}];
}

/** As Clusterfiles have hosts: addresses with the ports that differ. Users are said when "apply" logs in. */
function listed(flag: string, texts: readonly string[], role: string): readonly ClusterfileHosts[] {
	const hosts = readArgument(flag, () => texts.flatMap(text => parseHostList(text)));
	const ips = hosts.map(({address, login: {port}}) => (port === undefined ? address : `${bracketed(address)}:${port}`));
	return ips.length === 0 ? [] : [{ips, roles: [role], env: {}}];
}

async function write(file: string, text: string, {io}: Context): Promise<void> {
	await withIo('write', file, () => writeFileAtomic(resolve(io.cwd, file), text));
}
